import { expect, test } from 'vitest'
import { CallFailed, type Connection } from './connection.ts'
import { criLabels } from './spec.ts'
import { readUsage } from './usage.ts'

const container = (id: string, name: string, atMs: number, memory: number) => ({
  attributes: { id, metadata: { name, attempt: 0 }, labels: { [criLabels.podUid]: 'u1' } },
  cpu: { timestamp: atMs * 1e6, usage_core_nano_seconds: { value: 5 } },
  memory: { working_set_bytes: { value: memory } },
})
const containers = [
  container('new', 'main', 20, 100),
  container('old', 'main', 30, 0),
  container('older', 'main', 10, 0),
  container('first', 'side', 10, 0),
  container('second', 'side', 20, 0),
]
const usageFrom = async (answers: Record<string, object>) => {
  const runtime = async (method: string) => {
    if (answers[method]) return answers[method]
    throw new CallFailed(method, 12, 'unimplemented')
  }
  const pods = await readUsage({ runtime } as unknown as Connection, undefined)
  return pods.map(pod => [pod.uid, pod.containers.map(({ name, id }) => `${name} ${id}`)])
}

test('a container that was restarted is told once: the one that runs, or else the last', async () => {
  const whole = { attributes: { metadata: { uid: 'u1' } }, linux: { containers } }
  expect(await usageFrom({ ListPodSandboxStats: { stats: [whole] } })).toEqual([['u1', ['main new', 'side second']]])
  expect(await usageFrom({ ListContainerStats: { stats: containers } })).toEqual([['u1', ['main new', 'side second']]])
})
