import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, root } from './support/cluster.ts'
import { run } from './support/processes.ts'

/** Debian's own Python, for which its package python3-kubernetes is; another one first on PATH does not see it. */
const python = '/usr/bin/python3'
const version = await run(python, ['-c', 'import kubernetes; print(kubernetes.__version__)']).then(
  ({ code, out }) => (code === 0 ? out.trim() : undefined),
  () => undefined,
)

describe.skipIf(!version)('Debian’s python3-kubernetes (needs the package python3-kubernetes)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it.each([
    ['objects', 'creates, reads, lists in pages, replaces, patches and deletes'],
    ['watches', 'watches from a list on, and is told 410 where the past is gone'],
    ['dynamic', 'finds kinds by discovery, patches them each way and applies them from the server’s side'],
    ['dynamic-watch', 'follows any kind from a resource version on, until its time is up'],
    ['yaml', 'creates what a file says, and tells each thing that is there already'],
    ['election', 'elects a leader, and another when the lock is gone'],
    ['discovery', 'asks what there is, at paths that end with a slash'],
    ['streams', 'runs commands, forwards a port and reads logs over WebSocket'],
    ['rights', 'asks what it may do, and is refused with a Status'],
  ])('%s: %s', async story => {
    const { code, out, err } = await run(python, [join(root, 'tests/support/client.py'), story, cluster.kubeconfig], {
      env: cluster.env,
      timeoutMs: 60_000,
    })
    expect([code, out, err.split('\n').slice(-12).join('\n')]).toEqual([0, `${story} done\n`, expect.any(String)])
  })
})
