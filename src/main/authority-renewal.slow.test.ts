import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair, validityOf } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, httpTransport } from '../client/index.ts'
import { Node } from '../models/kinds/index.ts'
import { certificateEnds, endWarnings } from './certificate-ends.ts'
import { joinCluster } from './join.ts'
import { mergeKubeconfig, readKubeconfig, replaceAuthority } from './kubeconfig.ts'
import { NodeKeys } from './node-keys.ts'
import { systemOutside } from './outside.ts'
import { authorityBeforeRenewal, loadPki, renewAuthorities } from './pki.ts'
import { startServer } from './server.ts'
import { resolveSettings } from './settings.ts'

const yearMs = 365 * 86_400_000
const outside = systemOutside(silentLogger)
const serverNames = { dnsNames: ['localhost'], ips: ['127.0.0.1'] }

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-renewal-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

const load = (dataDir: string, clock = new VirtualClock()) =>
  loadPki({ folder: join(dataDir, 'pki'), disk: systemDisk, clock, random: systemRandom, serverNames })

const signedBy = ({ cert }: KeyPair, ca: string) =>
  new X509Certificate(cert).checkIssued(new X509Certificate(ca)) &&
  new X509Certificate(cert).verify(new X509Certificate(ca).publicKey)

test('an authority that is renewed has its key and name, holds for ten years, and all that it signed stays good', async () => {
  const dataDir = await newFolder()
  const clock = new VirtualClock()
  const before = await load(dataDir, clock)
  await clock.advance(9.5 * yearMs)
  const folder = join(dataDir, 'pki')
  const renewed = await renewAuthorities({ folder, disk: systemDisk, clock })
  expect(renewed.map(({ name }) => name)).toEqual(['ca', 'front-proxy-ca'])
  for (const [{ cert }, old, issued] of [
    [renewed[0]!, before.ca, before.server],
    [renewed[1]!, before.frontProxyCa, before.frontProxyClient],
  ] as const) {
    expect(validityOf(cert).untilMs - clock.now()).toBeGreaterThan(9.99 * yearMs)
    expect(new X509Certificate(cert).subject).toBe(new X509Certificate(old.cert).subject)
    expect(new X509Certificate(cert).serialNumber).not.toBe(new X509Certificate(old.cert).serialNumber)
    expect(new X509Certificate(cert).ca).toBe(true)
    expect([signedBy(issued, old.cert), signedBy(issued, cert)]).toEqual([true, true])
  }
  expect(await authorityBeforeRenewal(systemDisk, folder)).toBe(before.ca.cert)
  await renewAuthorities({ folder, disk: systemDisk, clock })
  expect(await authorityBeforeRenewal(systemDisk, folder)).toBe(before.ca.cert)
  const after = await load(dataDir, clock)
  expect(after.ca.key).toBe(before.ca.key)
  expect(after.ca.cert).not.toBe(before.ca.cert)
  expect(await authorityBeforeRenewal(systemDisk, folder)).toBeUndefined()
})

test('a start of the server renews an authority that ends within a year, and one that has ended while it was off', async () => {
  for (const years of [9.5, 11.2]) {
    const dataDir = await newFolder()
    const clock = new VirtualClock()
    const before = await load(dataDir, clock)
    await clock.advance(8.5 * yearMs)
    expect((await load(dataDir, clock)).ca).toEqual(before.ca)
    await clock.advance((years - 8.5) * yearMs)
    const after = await load(dataDir, clock)
    expect(after.ca.key).toBe(before.ca.key)
    expect(after.ca.cert).not.toBe(before.ca.cert)
    expect(endWarnings(await certificateEnds(systemDisk, dataDir), clock.now())).toEqual([])
  }
})

test('an authority that another one has signed is left as it is, and renewing it says whose task it is', async () => {
  const dataDir = await newFolder()
  const clock = new VirtualClock()
  const root = await createAuthority('root', clock)
  const foreign = await issueCertificate(root, { commonName: 'ours', usages: ['server'] }, clock)
  const folder = join(dataDir, 'pki')
  await load(dataDir, clock)
  await writeFile(join(folder, 'ca.crt'), foreign.cert)
  await writeFile(join(folder, 'ca.key'), foreign.key)
  await clock.advance(9.5 * yearMs)
  const proxyBefore = await readFile(join(folder, 'front-proxy-ca.crt'), 'utf8')
  await expect(renewAuthorities({ folder, disk: systemDisk, clock })).rejects.toThrow(
    /ca\.crt is not signed by its own key/,
  )
  expect(await readFile(join(folder, 'ca.crt'), 'utf8')).toBe(foreign.cert)
  expect(await readFile(join(folder, 'front-proxy-ca.crt'), 'utf8')).toBe(proxyBefore)
  await expect(renewAuthorities({ folder: join(dataDir, 'nothing'), disk: systemDisk, clock })).rejects.toThrow(
    /there is no .*nothing\/ca\.crt/,
  )
})

test('the kubeconfig gets an authority that was signed again, and never that of another cluster', async () => {
  const path = join(await newFolder(), 'kubeconfig')
  const dataDir = await newFolder()
  const clock = new VirtualClock()
  const { ca, admin } = await load(dataDir, clock)
  await mergeKubeconfig(systemDisk, path, 'optiflow', { server: 'https://127.0.0.1:6443', ca: ca.cert, ...admin })
  const other = await createAuthority('optiflow-ca', clock)
  expect(await replaceAuthority(systemDisk, path, 'optiflow', other.cert)).toBe(false)
  const [renewed] = await renewAuthorities({ folder: join(dataDir, 'pki'), disk: systemDisk, clock })
  expect(await replaceAuthority(systemDisk, path, 'elsewhere', renewed!.cert)).toBe(false)
  expect(await replaceAuthority(systemDisk, path, 'optiflow', renewed!.cert)).toBe(true)
  expect(await readKubeconfig(systemDisk, path)).toEqual({
    server: 'https://127.0.0.1:6443',
    ca: renewed!.cert,
    ...admin,
  })
})

test('a running node looks each hour, tells its server, and keeps it for the next start; another authority is never taken', async () => {
  const clock = new VirtualClock()
  const told: string[] = []
  const kept: string[] = []
  const pair = await issueCertificate(
    await createAuthority('a', systemClock),
    { commonName: 'n', usages: ['client'] },
    clock,
  )
  let shown: string | undefined
  const keys: NodeKeys = new NodeKeys(
    'old',
    { client: pair, server: pair },
    {
      ask: async () => pair,
      authority: async () => {
        if (shown === 'silent') throw new Error('no answer')
        return shown
      },
      keep: async (_, ca) => void kept.push(ca),
    },
  )
  keys.followServer(() => told.push(keys.ca))
  const stop = keys.keepRenewed({ ...outside, clock }, undefined)
  await clock.advance(2 * 3_600_000)
  shown = 'silent'
  await clock.advance(3_600_000)
  expect({ told, kept }).toEqual({ told: ['old'], kept: [] })
  shown = 'new'
  await clock.advance(3 * 3_600_000)
  stop()
  expect({ told, kept, ca: keys.ca }).toEqual({ told: ['old', 'new'], kept: ['new'], ca: 'new' })
})

test('the authority ended while server and node were off: both start again, and the node takes the renewed one, but of no other server', async () => {
  const dataDir = await newFolder()
  const past = new VirtualClock(systemClock.now() - 10.5 * yearMs)
  const old = await load(dataDir, past)
  const ended = old.ca
  expect(validityOf(ended.cert).untilMs).toBeLessThan(systemClock.now())
  const issue = (usage: 'client' | 'server') =>
    issueCertificate(
      ended,
      { commonName: 'system:node:n1', organizations: ['system:nodes'], ips: ['127.0.0.1'], usages: [usage] },
      systemClock,
    )
  const saved = { ca: ended.cert, client: await issue('client'), serving: await issue('server') }
  const nodeFolder = join(dataDir, 'n1')
  await mkdir(nodeFolder)
  await writeFile(join(nodeFolder, 'node.json'), JSON.stringify(saved))
  const start = async (folder: string) => {
    const settings = resolveSettings({
      flags: { 'data-dir': folder, listen: '127.0.0.1:0', store: 'memory' },
      env: {},
      machine: { root: false, containerd: false, hostname: 'here' },
    })
    const server = await startServer({ settings, outside, report: () => {} })
    onTestFinished(() => server[Symbol.asyncDispose]())
    return server
  }
  const join1 = (server: string) =>
    joinCluster({
      ...{ server, token: undefined, nodeName: 'n1', ips: ['127.0.0.1'], folder: nodeFolder, outside },
      signal: new AbortController().signal,
    })
  const other = await start(await newFolder())
  expect((await join1(other.url)).ca).toBe(ended.cert)
  const server = await start(dataDir)
  const keys = await join1(server.url)
  expect(keys.ca.trim()).toBe(server.pki.ca.cert.trim())
  expect(JSON.parse(await readFile(join(nodeFolder, 'node.json'), 'utf8')).ca).toBe(keys.ca)
  await using calls = httpTransport({ server: server.url, identity: () => ({ ...keys.client, ca: keys.ca }) })
  const node = { metadata: { name: 'n1' }, spec: {} }
  expect((await createClient(calls).create<Node>(Node, node)).metadata.name).toBe('n1')
})
