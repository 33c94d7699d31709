import { expect, test } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { seededRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { ContainerSpec, SandboxSpec } from '../runtime.ts'
import { containerSpec, podSpec } from '../testing/specs.ts'
import { openSimulated, type SimulatedOptions } from './simulated-runtime.ts'

const never = new AbortController().signal
const start = Date.UTC(2026, 0, 1)

function pod(name: string, annotations: Record<string, string> = {}): SandboxSpec {
  return podSpec(name, {
    uid: `uid-${name}`,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([k, v]) => [`simulated.optiflow.dev/${k}`, v] as const),
    ),
    logFolder: '/logs',
  })
}

function container(name = 'main', attempt = 0): ContainerSpec {
  return containerSpec('app', 'app@sha256:0', '', { name, attempt, env: [{ name: 'COLOR', value: 'blue' }] })
}

function open(options: Partial<SimulatedOptions> = {}) {
  const clock = new VirtualClock(start)
  return { clock, runtime: openSimulated({ clock, random: seededRandom(1), log: silentLogger, ...options }) }
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let all = ''
  for await (const chunk of stream) all += Buffer.from(chunk).toString()
  return all
}

test('a container with an exit code ends when its time has come, and says so once', async () => {
  const { clock, runtime } = open()
  const changes: (string | undefined)[] = []
  const sandbox = await runtime.runSandbox(
    pod('a', { 'exit-code': '3', 'exit-after': '10s', 'termination-message': 'bye' }),
    never,
  )
  const id = await runtime.start(sandbox, container())
  runtime.onChange(uid => changes.push(uid))
  await clock.advance(9_999)
  expect((await runtime.observe())[0]!.containers[0]!.state).toBe('running')
  await clock.advance(1)
  expect(changes).toEqual(['uid-a'])
  expect((await runtime.observe())[0]!.containers).toEqual([
    {
      id,
      sandbox,
      name: 'main',
      attempt: 0,
      image: 'app',
      imageRef: 'app@sha256:0',
      state: 'exited',
      createdAtMs: start,
      startedAtMs: start,
      finishedAtMs: start + 10_000,
      exitCode: 3,
      reason: 'Error',
      message: 'bye',
      labels: {},
      annotations: {},
      logPath: '/logs/main/0.log',
    },
  ])
})

test('what an annotation says of one container does not touch its neighbour', async () => {
  const { runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a', { 'exit-code.init': '0' }), never)
  await runtime.start(sandbox, container('init'))
  await runtime.start(sandbox, container('main'))
  const [observed] = await runtime.observe()
  expect(observed!.containers.map(c => [c.name, c.state, c.reason])).toEqual([
    ['init', 'exited', 'Completed'],
    ['main', 'running', undefined],
  ])
})

test('a program that crashes twice stays up on its third attempt', async () => {
  const { runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a', { 'exit-code': '1', 'exit-times': '2' }), never)
  for (const attempt of [0, 1, 2]) await runtime.start(sandbox, container('main', attempt))
  const [observed] = await runtime.observe()
  expect(observed!.containers.map(c => c.state)).toEqual(['exited', 'exited', 'running'])
})

test('addresses come from the pod CIDR, are not soon given again, and run out with a reason', async () => {
  const { runtime } = open({ podCidrs: () => ['10.1.2.0/29', 'fd00:1::/64'] })
  const first = await runtime.runSandbox(pod('p0'), never)
  await runtime.remove(first)
  for (let i = 1; i <= 5; i++) await runtime.runSandbox(pod(`p${i}`), never)
  const ips = (await runtime.observe()).map(p => p.sandboxes[0]!.ips)
  expect(ips).toEqual([
    ['10.1.2.3', 'fd00:1::3'],
    ['10.1.2.4', 'fd00:1::4'],
    ['10.1.2.5', 'fd00:1::5'],
    ['10.1.2.6', 'fd00:1::6'],
    ['10.1.2.2', 'fd00:1::7'],
  ])
  await expect(runtime.runSandbox(pod('p6'), never)).rejects.toThrow(
    "no free address in the node's pod range 10.1.2.0/29",
  )
})

test('SIGTERM is obeyed unless the program ignores it; then the grace passes and SIGKILL ends it', async () => {
  const { clock, runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a', { 'ignore-sigterm.deaf': 'true' }), never)
  const polite = await runtime.start(sandbox, container('polite'))
  const deaf = await runtime.start(sandbox, container('deaf'))
  await runtime.stop(polite, 30_000)
  const stopping = runtime.stop(deaf, 30_000)
  await clock.advance(30_000)
  await stopping
  const [observed] = await runtime.observe()
  expect(observed!.containers.map(c => [c.exitCode, c.signal, c.finishedAtMs! - start])).toEqual([
    [0, undefined, 0],
    [137, 9, 30_000],
  ])
})

test('logs follow a program that writes every second, from its tail on, until it ends', async () => {
  const { clock, runtime } = open()
  const sandbox = await runtime.runSandbox(
    pod('a', { log: 'hello\nworld', 'log-every': '1s', 'exit-after': '5s' }),
    never,
  )
  const id = await runtime.start(sandbox, container())
  await clock.advance(2_000)
  expect(await text(runtime.logs(id, {}, never))).toBe('hello\nworld\nline 1\nline 2\n')
  expect(await text(runtime.logs(id, { tailLines: 1, timestamps: true }, never))).toBe(
    '2026-01-01T00:00:02.000000000Z line 2\n',
  )
  expect(await text(runtime.logs(id, { limitBytes: 8 }, never))).toBe('hello\nwo')
  expect(await text(runtime.logs(id, { sinceMs: start + 1_500 }, never))).toBe('line 2\n')
  const followed = text(runtime.logs(id, { follow: true, tailLines: 1 }, never))
  await clock.advance(10_000)
  expect(await followed).toBe('line 2\nline 3\nline 4\nline 5\n')
})

test('probes fail until the pod is ready and again when it is unhealthy', async () => {
  const { clock, runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a', { 'ready-after': '5s', 'unhealthy-after': '60s' }), never)
  const id = await runtime.start(sandbox, container())
  const ask = async (purpose: 'readiness' | 'liveness') =>
    (await runtime.probe!(id, { purpose, kind: 'http', target: ':80/' })).ok
  expect([await ask('readiness'), await ask('liveness')]).toEqual([false, true])
  await clock.advance(5_000)
  expect([await ask('readiness'), await ask('liveness')]).toEqual([true, true])
  await clock.advance(55_000)
  expect([await ask('readiness'), await ask('liveness')]).toEqual([false, false])
})

test('a shell answers and a slow command times out', async () => {
  const { clock, runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a'), never)
  const id = await runtime.start(sandbox, container())
  expect(await runtime.exec(id, ['sh', '-c', 'echo "$COLOR" && cat /etc/hostname; exit 4'], 1_000)).toEqual({
    exitCode: 4,
    stdout: 'blue\na\n',
    stderr: '',
    timedOut: false,
  })
  const slow = runtime.exec(id, ['sleep', '60'], 1_000)
  await clock.advance(1_000)
  expect(await slow).toEqual({ exitCode: 137, stdout: '', stderr: '', timedOut: true })
})

test('pulls fail and take time as the pod or the test says', async () => {
  const { clock, runtime } = open({ pullError: image => (image === 'nope' ? 'not found' : undefined) })
  await expect(runtime.pull('nope', {}, never)).rejects.toThrow('cannot pull image nope: not found')
  const pulling = runtime.pull('app:1', { annotations: { 'simulated.optiflow.dev/pull-delay': '2s' } }, never)
  await clock.advance(1_999)
  expect(await runtime.imagePresent('app:1')).toBeUndefined()
  await clock.advance(1)
  expect(await runtime.imagePresent('app:1')).toBe(await pulling)
})

test('a thousand nodes with ten thousand pods cost one timer each at most', async () => {
  const clock = new VirtualClock(start)
  let timers = 0
  const counting = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    schedule(delayMs: number, task: () => void) {
      timers++
      return clock.schedule(delayMs, task)
    },
  }
  const nodes = Array.from({ length: 1000 }, (_, i) =>
    openSimulated({ clock: counting, random: seededRandom(i), log: silentLogger }),
  )
  for (const node of nodes)
    for (let p = 0; p < 10; p++)
      await node.start(await node.runSandbox(pod(`p${p}`, { 'exit-after': '1h' }), never), container())
  expect(timers).toBe(1000)
})

test('an agent that comes back finds everything; a reboot of the node ends it', async () => {
  const { runtime } = open()
  const sandbox = await runtime.runSandbox(pod('a'), never)
  await runtime.start(sandbox, container())
  runtime.setAvailable(false)
  await expect(runtime.observe()).rejects.toThrow('switched off')
  runtime.setAvailable(true)
  expect((await runtime.observe())[0]!.containers[0]!.state).toBe('running')
  runtime.reboot()
  const [observed] = await runtime.observe()
  expect([observed!.sandboxes[0]!.state, observed!.containers[0]!.exitCode]).toEqual(['stopped', 255])
})
