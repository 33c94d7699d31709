import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { AgentMetrics } from '../agent/index.ts'
import { validityOf } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { createClient, httpTransport, inProcessTransport } from '../client/index.ts'
import { Node } from '../models/kinds/index.ts'
import { startAgentServer } from './agent-server.ts'
import { startControllers } from './controllers.ts'
import { controllerUser } from './identities.ts'
import { joinCluster } from './join.ts'
import { NodeKeys } from './node-keys.ts'
import { type OutsideWorld, systemOutside } from './outside.ts'
import { allReconcilers } from './reconcilers.ts'
import { type RunningServer, startServer } from './server.ts'
import { resolveSettings } from './settings.ts'
import { certificateSigner } from './signing.ts'

const hourMs = 3_600_000
const { signal } = new AbortController()
const outside = systemOutside(silentLogger)

let folder: string
let server: RunningServer
const ends: AsyncDisposable[] = []

/** A control plane that signs for one hour. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'node-keys-'))
  const settings = resolveSettings({
    flags: { 'data-dir': folder, listen: '127.0.0.1:0', store: 'memory', 'cluster-signing-duration': '1h' },
    env: {},
    machine: { root: false, containerd: false, hostname: 'here' },
  })
  server = await startServer({ settings, outside, report: () => {} })
  const client = createClient(inProcessTransport(server.api.handler, controllerUser))
  const signer = certificateSigner(server.pki.ca, outside)
  const all = allReconcilers({ settings, ca: server.pki.ca.cert, signer, simulated: true })
  const reconcilers = all.filter(({ name }) => name === 'certificate-signing-request')
  ends.push(await startControllers({ client, outside, reconcilers }), server)
})

afterAll(async () => {
  for (const end of ends) await end[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const joinAs = (name: string, token: string | undefined, world: OutsideWorld = outside) =>
  joinCluster({
    ...{ server: server.url, token, nodeName: name, ips: ['127.0.0.1'], signal },
    ...{ folder: join(folder, name), outside: world },
  })

/** The certificate that a server shows. */
function shownBy(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerX509Certificate()!.toString())
      socket.end()
    })
    socket.on('error', reject)
  })
}

test('a running node replaces its keys before their end: its calls, its server and its next start have the new ones', async () => {
  const clock = new VirtualClock(systemClock.now())
  const keys = await joinAs('n1', server.pki.joinToken)
  const first = { client: keys.client, server: keys.server }
  const lifeMs = validityOf(first.client.cert).untilMs - clock.now()
  expect(Math.round(lifeMs / 60_000)).toBe(60)

  const calls = httpTransport({ server: server.url, ca: keys.ca, identity: () => keys.client })
  const asNode = createClient(calls)
  const own = await startAgentServer({ host: '127.0.0.1', port: 0, keys, client: asNode, outside })
  const metrics = new AgentMetrics()
  const stop = keys.keepRenewed({ ...outside, clock }, metrics)
  try {
    expect(await shownBy(own.port!, keys.ca)).toBe(new X509Certificate(first.server.cert).toString())
    await clock.advance(0.6 * hourMs)
    await settle()
    expect({ client: keys.client, server: keys.server }).toEqual(first)

    await clock.advance(0.32 * hourMs)
    // What waits for the signer looks every 200 ms by that clock.
    const signed = async () => clock.advance(200)
    for (let i = 0; i < 500 && (keys.client === first.client || keys.server === first.server); i++) {
      await signed()
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    for (const use of ['client', 'server'] as const) expect(keys[use].cert).not.toBe(first[use].cert)

    expect(await shownBy(own.port!, keys.ca)).toBe(new X509Certificate(keys.server.cert).toString())
    expect((await asNode.get(Node, { name: 'n1' })).metadata.name).toBe('n1')
    const lives = metrics.families.find(({ name }) => name.endsWith('server_rotation_seconds'))!
    // It is counted and kept a moment after it is used.
    const soon = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 30_000, interval: 20 })
    await soon(async () => {
      expect((await lives.get()).values.find(v => v.metricName?.endsWith('_count'))?.value).toBe(1)
    })
    await soon(async () => {
      const kept = JSON.parse(await readFile(join(folder, 'n1', 'node.json'), 'utf8'))
      expect(kept).toEqual({ ca: keys.ca, client: keys.client, serving: keys.server })
    })
  } finally {
    stop()
    await own[Symbol.asyncDispose]()
    await calls[Symbol.asyncDispose]()
  }
  const again = await joinAs('n1', undefined)
  expect(again.client).toEqual(keys.client)
})

test('a node whose server’s certificate no longer fits has a new one without a token', async () => {
  const keys = await joinAs('n2', server.pki.joinToken)
  const moved = await joinCluster({
    ...{ server: server.url, token: undefined, nodeName: 'n2', ips: ['127.0.0.2'], signal },
    ...{ folder: join(folder, 'n2'), outside },
  })
  expect(moved.client).toEqual(keys.client)
  expect(new X509Certificate(moved.server.cert).subjectAltName).toContain('IP Address:127.0.0.2')
})

test('a node that was away past the end of its certificate is told so, and comes back with a token', async () => {
  const keys = await joinAs('n3', server.pki.joinToken)
  const later = { ...outside, clock: { ...systemClock, now: () => systemClock.now() + 2 * hourMs } }
  await expect(joinAs('n3', undefined, later)).rejects.toThrow(/^the certificate of node n3 ended on 20/)
  const back = await joinAs('n3', server.pki.joinToken, later)
  expect(back.client.cert).not.toBe(keys.client.cert)
})

test('pairs that are replaced at once are kept one after the other, the newest last', async () => {
  const pair = (name: string) => ({ cert: name, key: name })
  const kept: string[] = []
  const writes: (() => void)[] = []
  const keys = new NodeKeys(
    'ca',
    { client: pair('c1'), server: pair('s1') },
    {
      ask: async use => pair(use === 'client' ? 'c2' : 's2'),
      async keep({ client, server }) {
        const text = `${client.cert} ${server.cert}`
        await new Promise<void>(resolve => writes.push(resolve))
        kept.push(text)
      },
    },
  )
  const { signal } = new AbortController()
  const renewed = Promise.all((['client', 'server'] as const).map(use => keys.renew(use, signal)))
  // Of writes that run beside each other the first may be done last.
  for (let done = 0; done < 2; ) {
    await settle()
    writes
      .splice(0)
      .reverse()
      .forEach(write => {
        done++
        write()
      })
  }
  await renewed
  expect(kept.at(-1)).toBe('c2 s2')
})
