import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Remote } from '../src/cli/connection.ts'
import { EtcdCluster } from '../src/db/etcd/testing/cluster.ts'
import { optiflow } from './support/parts.ts'
import { freePort, onPath, type Started, start, until } from './support/processes.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

/** Two machines' worth of processes over three members of etcd. */
describe.skipIf(!onPath('etcd'))('two API servers on one etcd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-two-'))
  let etcd: EtcdCluster
  const servers: Started[] = []
  const controllers: Started[] = []
  const remotes: Remote[] = []

  async function startMachine(name: string): Promise<void> {
    const port = await freePort()
    const url = `https://127.0.0.1:${port}`
    const dataDir = join(folder, name)
    const kubeconfig = join(folder, `${name}.kubeconfig`)
    const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' }
    // Who the cluster is, and the keys of its Secrets, are the same everywhere.
    if (name !== 'a')
      for (const part of ['pki', 'keys']) cpSync(join(folder, 'a', part), join(dataDir, part), { recursive: true })
    const where = ['--data-dir', dataDir, '--kubeconfig', kubeconfig]
    const store = `etcd=${etcd.endpoints.join(',')}`
    const server = start(
      process.execPath,
      [optiflow, 'server', ...where, '--listen', `127.0.0.1:${port}`, '--store', store],
      { env },
    )
    servers.push(server)
    await until(`server ${name}`, () => {
      if (server.child.exitCode !== null) throw new Error(server.err())
      return server.out().includes('nodes join')
    })
    controllers.push(start(process.execPath, [optiflow, 'controller', ...where, '--server', url], { env }))
    remotes.push(await connect({ kubeconfig, server: url }))
  }

  beforeAll(async () => {
    etcd = await EtcdCluster.start(3)
    await startMachine('a')
    await startMachine('b')
    await until('a leader', () => controllers.some(c => c.out().includes('at work')))
  })
  afterAll(async () => {
    for (const remote of remotes) await remote[Symbol.asyncDispose]()
    for (const part of [...controllers, ...servers]) if (part.child.exitCode === null) await part.stop('SIGKILL')
    await etcd?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const map = (name: string, n = '0') => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data: { n } })

  it('show at once through one what was written through the other', async () => {
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 ? [remotes[0]!, remotes[1]!] : [remotes[1]!, remotes[0]!]
      await writer.json('POST', maps, { body: map(`seen-${i}`) })
      expect((await reader.json('GET', `${maps}/seen-${i}`)).data.n).toBe('0')
      const { items } = await reader.json('GET', maps)
      expect(items.some((m: { metadata: { name: string } }) => m.metadata.name === `seen-${i}`)).toBe(true)
      const body = { data: { n: '1' } }
      await reader.json('PATCH', `${maps}/seen-${i}`, { body, contentType: 'application/merge-patch+json' })
      expect((await writer.json('GET', `${maps}/seen-${i}`)).data.n).toBe('1')
    }
    const secret = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, stringData: { p: 'x' } }
    await remotes[0]!.json('POST', '/api/v1/namespaces/default/secrets', { body: secret })
    expect((await remotes[1]!.json('GET', '/api/v1/namespaces/default/secrets/s')).data.p).toBe('eA==')
  })

  it('lose nothing acknowledged when one is killed under load, and its controllers are replaced within 10 s', async () => {
    const acknowledged: string[] = []
    const revisions: number[] = []
    let alive = [0, 1]
    let writing = true
    const writers = Array.from({ length: 8 }, async (_, w) => {
      for (let i = 0; writing; i++) {
        const name = `load-${w}-${i}`
        const through = remotes[alive[(w + i) % alive.length]!]!
        await through.json('POST', maps, { body: map(name) }).then(
          () => acknowledged.push(name),
          () => sleep(20),
        )
      }
    })
    const looking = (async () => {
      while (writing) {
        revisions.push(Number((await remotes[1]!.json('GET', `${maps}?limit=1`)).metadata.resourceVersion))
        await sleep(20)
      }
    })()
    await until('some load', () => acknowledged.length > 300)
    // The machine whose controllers lead.
    const leads = controllers[0]!.out().includes('at work')
    servers[0]!.child.kill('SIGKILL')
    controllers[0]!.child.kill('SIGKILL')
    alive = [1]
    const killed = performance.now()
    const labels = { app: 'after' }
    const containers = [{ name: 'c', image: 'example/none:1' }]
    const template = { metadata: { labels }, spec: { containers } }
    await remotes[1]!.json('POST', deployments, {
      body: {
        kind: 'Deployment',
        apiVersion: 'apps/v1',
        metadata: { name: 'after' },
        spec: { replicas: 2, selector: { matchLabels: labels }, template },
      },
    })
    await until('pods by the other controllers', async () => {
      const { items } = await remotes[1]!.json('GET', '/api/v1/namespaces/default/pods?labelSelector=app%3Dafter')
      return items.length === 2
    })
    const tookMs = Math.round(performance.now() - killed)
    const before = acknowledged.length
    await until('the load goes on', () => acknowledged.length > before + 100)
    writing = false
    await Promise.all([...writers, looking])
    const { items } = await remotes[1]!.json('GET', maps)
    const there = new Set(items.map((m: { metadata: { name: string } }) => m.metadata.name))
    expect(acknowledged.filter(name => !there.has(name))).toEqual([])
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
    console.log(
      `${acknowledged.length} writes acknowledged, none lost; takeover in ${tookMs} ms (leader killed: ${leads})`,
    )
    expect(leads).toBe(true)
    expect(tookMs).toBeLessThan(10_000)
  })
})
