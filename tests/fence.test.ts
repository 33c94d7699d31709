import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cluster, root } from './support/cluster.ts'
import { type Started, start, until } from './support/processes.ts'

let cluster: Cluster
const leaders: Started[] = []
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 1 })
})
afterAll(async () => {
  for (const leader of leaders) await leader.stop('SIGKILL')
  await cluster?.[Symbol.asyncDispose]()
})

function lead(name: string): Started {
  const script = join(root, 'tests/support/leader-main.ts')
  const leader = start(process.execPath, ['--import', 'tsx', script, cluster.kubeconfig, name], {
    env: cluster.env,
    cwd: root,
  })
  leaders.push(leader)
  return leader
}
const says = (leader: Started, what: string) =>
  until(what, () => {
    if (leader.child.exitCode !== null) throw new Error(leader.err())
    return leader.out().includes(what)
  }).catch(cause => {
    throw new Error(`waited for ${what}: ${leader.out()}${leader.err()}`, { cause })
  })

it('a leader that was paused past its lease writes nothing when it goes on, though it never looks', async () => {
  const old = lead('old')
  await says(old, 'writes')
  old.child.kill('SIGSTOP')
  const next = lead('next')
  await says(next, 'writes')
  const since = Number(/leads since (\d+)/.exec(next.out())![1])
  old.child.kill('SIGCONT')
  await says(old, 'refused: ')
  expect(old.out()).toContain('the writer leads no longer')
  const { items } = (await cluster.call('GET', '/api/v1/namespaces/default/configmaps')).json
  const written = (name: string): number[] =>
    items.filter((m: any) => m.metadata.name.startsWith(`${name}-`)).map((m: any) => Number(m.metadata.resourceVersion))
  expect(written('old').length).toBeGreaterThan(20)
  expect(Math.max(...written('old'))).toBeLessThan(since)
  expect(Math.min(...written('next'))).toBeGreaterThan(since)
})
