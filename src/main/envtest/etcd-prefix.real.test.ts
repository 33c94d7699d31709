import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EtcdCluster } from '../../db/etcd/testing/cluster.ts'
import { systemOutside } from '../outside.ts'
import { Flags } from './flags.ts'
import { startKubeApiServer } from './kube-apiserver.ts'

test('several API servers share one etcd by their prefixes; who comes back finds its own objects', async () => {
  const etcd = await EtcdCluster.start(1)
  onTestFinished(() => etcd.stop())
  const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const withServer = async (prefix: string, method: string, name = '') => {
    const flags = ['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`]
    const store = [`--etcd-servers=${etcd.endpoints[0]}`, `--etcd-prefix=${prefix}`]
    await using running = await startKubeApiServer(new Flags([...flags, ...store]), systemOutside())
    const { status } = await running.api.handler({
      ...{ method, url: `/api/v1/namespaces/default/configmaps/${method === 'POST' ? '' : name}` },
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ metadata: { name } })),
      user: { username: 'admin', groups: ['system:masters'] },
      signal: new AbortController().signal,
    })
    return status
  }
  expect(await withServer('/a/registry', 'POST', 'mine')).toBe(201)
  expect(await withServer('/b/registry', 'GET', 'mine')).toBe(404)
  expect(await withServer('a/registry', 'GET', 'mine')).toBe(200)
})
