import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { openMemoryStore } from '../../db/index.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { defaultAuditPolicy } from '../audit/default-policy.ts'
import { type ApiServer, createApiServer } from '../index.ts'
import { loopbackNet, serviceObjects } from '../testing/outside-server.ts'
import { apiService, type ExtensionServer, startExtensionServer } from './testing/extension-server.ts'

// kubectl against our server, and by way of it an extension server, as people use it.

let folder: string
let kubeconfig: string
let api: ApiServer
let extension: ExtensionServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-aggregation-'))
  kubeconfig = join(folder, 'kubeconfig')
  const [users, proxies] = await Promise.all([
    createAuthority('users', systemClock),
    createAuthority('proxies', systemClock),
  ])
  const [server, admin, identity] = await Promise.all([
    issueCertificate(users, { commonName: 'api', ips: ['127.0.0.1'], usages: ['server'] }, systemClock),
    issueCertificate(
      users,
      { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
      systemClock,
    ),
    issueCertificate(proxies, { commonName: 'front-proxy-client', usages: ['client'] }, systemClock),
  ])
  extension = await startExtensionServer('api.default.svc', proxies.cert)
  const log = { path: join(folder, 'audit.log'), maxBytes: 2 ** 30, maxAgeMs: 0, maxBackups: 0 }
  api = await createApiServer({
    store: await openMemoryStore(),
    net: loopbackNet(),
    clientCa: users.cert,
    frontProxy: { ca: proxies.cert, allowedNames: ['front-proxy-client'], identity },
    audit: {
      policy: defaultAuditPolicy,
      backends: [new AuditLog({ ...log, disk: systemDisk, clock: systemClock })],
    },
  })
  const tls = { cert: server.cert, key: server.key, clientCa: users.cert, frontProxyCa: proxies.cert }
  const { url } = await api.listen({ host: '127.0.0.1', port: 0, tls })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  await writeFile(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'x' },
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(users.cert) } }],
      users: [
        { name: 'u', user: { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) } },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    }),
    { mode: 0o600 },
  )
  for (const [, object] of serviceObjects('api', extension.port)) await works(['create', '-f', '-'], object)
})
afterAll(async () => {
  await api.close()
  await extension[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** @returns what it printed, and how it ended */
function kubectl(args: string[], input?: object): Promise<{ out: string; err: string; code: number }> {
  return new Promise(resolve => {
    const all = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args]
    const child = execFile('kubectl', all, { timeout: 60_000 }, (error, out, err) =>
      resolve({ out, err, code: error ? Number(error.code ?? 1) : 0 }),
    )
    child.stdin!.end(input === undefined ? '' : JSON.stringify(input))
  })
}

/** Runs it, and it must work. */
async function works(args: string[], input?: object): Promise<string> {
  const { out, err, code } = await kubectl(args, input)
  expect({ args, err, code }).toEqual({ args, err: '', code: 0 })
  return out
}

const flunder = (name: string) => ({
  ...{ kind: 'Flunder', apiVersion: 'wardle.example.com/v1alpha1', metadata: { name } },
})

test('kubectl uses an API of another server like ours, and finds it gone with its APIService', async () => {
  const before = await works(['get', 'apiservices', 'v1.apps', '--no-headers'])
  expect(before).toMatch(/^v1\.apps +Local +True +\S+\n$/)
  const name = 'v1alpha1.wardle.example.com'
  await works(['apply', '-f', '-'], apiService(extension.caBundle))
  await works(['wait', '--for=condition=Available', '--timeout=60s', `apiservice/${name}`])
  expect(await works(['get', 'apiservice', name, '--no-headers'])).toMatch(/ default\/api +True /)
  expect(await works(['api-resources', '--api-group=wardle.example.com', '--no-headers'])).toMatch(
    /^flunders +fl +wardle\.example\.com\/v1alpha1 +true +Flunder\n$/,
  )
  await works(['create', '-f', '-'], flunder('a'))
  await works(['create', '-f', '-'], flunder('b'))
  expect(await works(['get', 'fl', '-o', 'name'])).toBe('flunder.wardle.example.com/a\nflunder.wardle.example.com/b\n')
  expect(await works(['explain', 'flunders.spec.reference'])).toContain('What it is of.')
  expect(extension.lastHeaders).toContainEqual(['x-remote-user', 'kubernetes-admin'])
  await works(['delete', 'flunder', 'a'])
  await works(['delete', 'flunder', '--all'])
  expect(await works(['get', 'flunders', '-o', 'name'])).toBe('')

  const patch = JSON.stringify({ status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } })
  await works(['patch', 'apiservice', name, '--subresource=status', '-p', patch])
  const conditions = await works(['get', 'apiservice', name, '-o', 'jsonpath={.status.conditions[*].type}'])
  expect(conditions.split(' ').sort()).toEqual(['Available', 'StatusPatched'])
  await works(['delete', 'apiservice', name])
  const gone = await kubectl(['get', 'flunders'])
  expect(gone.code).toBe(1)
  expect(gone.err).toMatch(/the server (doesn't have a|could not find the requested) resource/)

  const events = (await readFile(join(folder, 'audit.log'), 'utf8'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const created = events.find(e => e.verb === 'create' && e.objectRef?.resource === 'flunders')
  expect(created).toMatchObject({
    ...{ level: 'Request', responseStatus: { code: 201 }, requestObject: { metadata: { name: 'a' } } },
    objectRef: { apiGroup: 'wardle.example.com', namespace: 'default' },
    user: { username: 'kubernetes-admin' },
  })
})
