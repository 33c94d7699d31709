import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from '../src/base/certificates.ts'
import { systemClock } from '../src/base/clock.ts'
import { systemNet } from '../src/base/net.ts'
import { optiflow } from './support/cluster.ts'
import { freePort, run, type Started, start, until } from './support/processes.ts'

// What envtest does before an operator's tests, step by step: keys in a folder, etcd, --help, the API server, a user.

const processes: Started[] = []
let folder: string
let url: string
let serverCa: KeyPair
let admin: KeyPair

beforeAll(async () => {
  const { code, out } = await run(optiflow, ['envtest'])
  expect(code).toBe(0)
  const assets = out.trim()
  folder = await mkdtemp(join(tmpdir(), 'optiflow-envtest-'))
  serverCa = await writeKeys()
  const etcdPort = await freePort()
  await startAsset(join(assets, 'etcd'), `http://127.0.0.1:${etcdPort}/health`, {
    'listen-client-urls': `http://127.0.0.1:${etcdPort}`,
    'advertise-client-urls': `http://127.0.0.1:${etcdPort}`,
    'listen-peer-urls': 'http://127.0.0.1:0',
    'unsafe-no-fsync': 'true',
    'data-dir': folder,
  })
  const help = await run(join(assets, 'kube-apiserver'), ['--help'])
  expect([help.code, /^\s*--insecure-port\b/m.test(help.out)]).toEqual([0, false])
  const port = await freePort()
  url = `https://127.0.0.1:${port}`
  await startAsset(join(assets, 'kube-apiserver'), `${url}/healthz`, {
    'allow-privileged': 'true',
    'authorization-mode': 'RBAC',
    'bind-address': '127.0.0.1',
    'cert-dir': folder,
    'client-ca-file': join(folder, 'client-cert-auth-ca.crt'),
    'disable-admission-plugins': 'ServiceAccount',
    'etcd-servers': `http://127.0.0.1:${etcdPort}`,
    'secure-port': String(port),
    'service-account-issuer': `${url}/`,
    'service-account-key-file': join(folder, 'sa-signer.crt'),
    'service-account-signing-key-file': join(folder, 'sa-signer.key'),
    'service-cluster-ip-range': '10.0.0.0/24',
  })
})

afterAll(async () => {
  for (const process of processes.reverse()) await process.stop()
  await rm(folder, { recursive: true })
})

async function writeKeys(): Promise<KeyPair> {
  const [server, client, tokens] = await Promise.all(
    ['server', 'client', 'tokens'].map(name => createAuthority(name, systemClock)),
  )
  const names = { dnsNames: ['localhost'], ips: ['127.0.0.1'] }
  const serving = await issueCertificate(server!, { commonName: 'x', ...names, usages: ['server'] }, systemClock)
  admin = await issueCertificate(
    client!,
    { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] },
    systemClock,
  )
  const files = {
    'apiserver.crt': serving.cert,
    'apiserver.key': serving.key,
    'client-cert-auth-ca.crt': client!.cert,
    'sa-signer.crt': tokens!.cert,
    'sa-signer.key': tokens!.key,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return server!
}

async function startAsset(program: string, healthUrl: string, flags: Record<string, string>): Promise<void> {
  const started = start(
    program,
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
  )
  processes.push(started)
  await until(`${program} is healthy`, async () => {
    if (started.child.exitCode !== null) throw new Error(started.out() + started.err())
    return (await systemNet.request(healthUrl, { insecure: true })).status === 200
  })
}

async function ask(method: string, path: string, object?: object, token?: string) {
  const { status, body } = await systemNet.request(url + path, {
    ...{ method, ca: serverCa.cert, headers: { 'content-type': 'application/json' } },
    ...(token ? { headers: { authorization: `Bearer ${token}` } } : admin),
    ...(object ? { body: JSON.stringify(object) } : {}),
  })
  return { status, body: JSON.parse(body.toString()) }
}

test('a user of the client authority makes a pod, and needs no service account for it', async () => {
  const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } }
  expect(await ask('POST', '/api/v1/namespaces/default/pods', pod)).toMatchObject({
    status: 201,
    body: { status: { phase: 'Pending' } },
  })
})

test('Services get their addresses from the range that was named', async () => {
  expect(await ask('GET', '/api/v1/namespaces/default/services/kubernetes')).toMatchObject({
    status: 200,
    body: { spec: { clusterIP: '10.0.0.1' } },
  })
})

test('a token signed by the elliptic key of the flags is believed, and RBAC holds for it', async () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  expect((await ask('POST', accounts, { metadata: { name: 'robot' } })).status).toBe(201)
  const issued = await ask('POST', `${accounts}/robot/token`, { spec: {} })
  expect(issued.status).toBe(201)
  const { status, body } = await ask('GET', '/api/v1/namespaces/default/pods', undefined, issued.body.status.token)
  expect([status, body.message]).toEqual([403, expect.stringContaining('system:serviceaccount:default:robot')])
})
