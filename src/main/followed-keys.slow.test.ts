import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { createClient, httpTransport, inProcessTransport } from '../client/index.ts'
import { ConfigMap, Namespace } from '../models/kinds/index.ts'
import { startControllers } from './controllers.ts'
import { followKeys } from './followed-keys.ts'
import { adminUser, controllerUser } from './identities.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { systemOutside } from './outside.ts'
import { keepOwnKubeconfig } from './own-kubeconfig.ts'
import { authorityBeforeRenewal, loadPki, type Pki, renewAuthorities } from './pki.ts'
import { allReconcilers } from './reconcilers.ts'
import { startServer } from './server.ts'
import { resolveSettings } from './settings.ts'

const outside = systemOutside(silentLogger)
const soon = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 })

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'followed-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

const settingsFor = (dataDir: string) =>
  resolveSettings({
    flags: { 'data-dir': dataDir, listen: '127.0.0.1:0', store: 'memory', kubeconfig: join(dataDir, 'kubeconfig') },
    env: {},
    machine: { root: false, containerd: false, hostname: 'here' },
  })

async function start(dataDir: string) {
  const settings = settingsFor(dataDir)
  const server = await startServer({ settings, outside, report: () => {} })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, settings }
}

/** Serial numbers of what the server shows: its own certificate and its authority. */
function shownAt(url: string): Promise<(string | undefined)[]> {
  const { hostname: host, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      const own = socket.getPeerCertificate(true)
      resolve([own.serialNumber, own.issuerCertificate?.serialNumber])
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const serial = (pem: string) => new X509Certificate(pem).serialNumber

async function isAdmin(url: string, identity: KeyPair, ca: string): Promise<boolean> {
  await using transport = httpTransport({ server: url, identity: () => ({ ...identity, ca }) })
  return createClient(transport)
    .get(Namespace, { name: 'kube-system' })
    .then(
      () => true,
      () => false,
    )
}

test('a server that runs takes over the renewed authority: what it shows, whom it believes, what it publishes, and the kubeconfig', async () => {
  const dataDir = await newFolder()
  const { server, settings } = await start(dataDir)
  const { pki, url, api } = server
  const { letBe } = await keepOwnKubeconfig({ settings, pki, url, outside, env: {} })
  const controllers = await startControllers({
    client: createClient(inProcessTransport(api.handler, controllerUser)),
    outside,
    reconcilers: allReconcilers({
      ...{ settings, ca: { current: () => pki.ca.cert, follow: pki.follow }, simulated: true },
    }),
  })
  onTestFinished(() => controllers[Symbol.asyncDispose]())
  const admin = createClient(inProcessTransport(api.handler, adminUser))
  const map = (namespace: string, name: string) => admin.get(ConfigMap, { namespace, name })
  await soon(async () => expect((await map('default', 'kube-root-ca.crt')).data?.['ca.crt']).toBe(pki.ca.cert))

  const folder = join(dataDir, 'pki')
  const [ca, frontProxy] = await renewAuthorities({ folder, disk: systemDisk, clock: systemClock })

  await soon(async () => expect(await shownAt(url)).toEqual([serial(pki.server.cert), serial(ca!.cert)]))
  await soon(async () => expect(await authorityBeforeRenewal(systemDisk, folder)).toBeUndefined())
  await soon(async () => {
    expect((await map('default', 'kube-root-ca.crt')).data).toEqual({ 'ca.crt': ca!.cert })
    expect((await map('kube-public', 'cluster-info')).data?.['kubeconfig']).toContain(
      Buffer.from(ca!.cert).toString('base64'),
    )
    const trusted = (await map('kube-system', 'extension-apiserver-authentication')).data!
    expect(trusted['client-ca-file']).toContain(ca!.cert.trim())
    expect(trusted['requestheader-client-ca-file']).toContain(frontProxy!.cert.trim())
    expect((await readKubeconfig(systemDisk, settings.kubeconfig!)).ca).toBe(ca!.cert)
  })
  expect(await isAdmin(url, pki.admin, ca!.cert)).toBe(true)
  letBe()
})

test('another authority and another certificate of the server count for new connections, once their files are those of a pair', async () => {
  const dataDir = await newFolder()
  const { server } = await start(dataDir)
  const { pki, url } = server
  const folder = join(dataDir, 'pki')
  const before = { ca: pki.ca, server: pki.server, admin: pki.admin }
  const other = await createAuthority('company', systemClock)
  const names = { dnsNames: ['localhost'], ips: ['127.0.0.1'] }
  const shown = await issueCertificate(other, { commonName: 'api', ...names, usages: ['server'] }, systemClock)
  const person = await issueCertificate(
    other,
    { commonName: 'ann', organizations: ['system:masters'], usages: ['client'] },
    systemClock,
  )
  expect(await isAdmin(url, person, before.ca.cert)).toBe(false)

  // The certificate alone is no pair yet: all stays.
  await writeFile(join(folder, 'server.crt'), shown.cert)
  await expect(pki.reload()).rejects.toThrow(/server\.key is not the key of .*server\.crt/)
  expect((await shownAt(url))[0]).toBe(serial(before.server.cert))
  await writeFile(join(folder, 'server.key'), shown.key)
  await soon(async () => expect((await shownAt(url))[0]).toBe(serial(shown.cert)))

  // As an authority is changed in steps: both are believed for a while.
  await writeFile(join(folder, 'ca.key'), other.key)
  await writeFile(join(folder, 'ca.crt'), `${other.cert.trim()}\n${before.ca.cert.trim()}\n`)
  await soon(async () => expect(await isAdmin(url, person, other.cert)).toBe(true))
  expect(await isAdmin(url, before.admin, other.cert)).toBe(true)
  await writeFile(join(folder, 'ca.crt'), other.cert)
  await soon(async () => expect(await isAdmin(url, before.admin, other.cert)).toBe(false))
})

test('where changes are not told it is looked once a minute; what cannot be used is told once, and what the server writes itself is no news', async () => {
  const folder = await newFolder()
  const clock = new VirtualClock()
  const told: string[] = []
  const log = { ...silentLogger, error: ({ error }: { error: string }) => void told.push(error) } as unknown as Logger
  const disk = { ...systemDisk, watch: async () => {} }
  const serverNames = { dnsNames: ['localhost'], ips: [] }
  const pki: Pki = await loadPki({ folder, disk, clock, random: systemRandom, serverNames })
  const changes: (readonly string[])[] = []
  pki.follow(names => changes.push(names))
  let looks = 0
  const reload = () => pki.reload().finally(() => looks++)
  const stop = followKeys({ reload }, folder, { clock, disk, log })
  const looked = async () => {
    const before = looks
    await clock.advance(60_000)
    await soon(() => expect(looks).toBe(before + 1))
  }
  await pki.renew('server')
  await looked()
  expect(changes).toEqual([])
  const good = await readFile(join(folder, 'admin.key'), 'utf8')
  await writeFile(join(folder, 'admin.key'), 'nothing')
  await looked()
  await looked()
  expect(told).toEqual([expect.stringMatching(/admin\.key holds no private key/)])
  await writeFile(join(folder, 'admin.key'), good)
  await renewAuthorities({ folder, disk, clock })
  await looked()
  stop()
  expect(changes).toEqual([['ca', 'frontProxyCa']])
})
