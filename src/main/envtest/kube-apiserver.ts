import { join } from 'node:path'
import {
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
  type TlsNodeDialerOptions,
  tlsNodeDialer,
} from '../../apiserver/index.ts'
import { createAuthority, createTokenKey, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { Disposal } from '../../base/disposal.ts'
import { openEtcdStore, openMemoryStore, PrefixedStore, type Store } from '../../db/index.ts'
import { nodeIp, serverNames } from '../addresses.ts'
import { readAdmission } from '../admission.ts'
import { readAudit } from '../audit.ts'
import { readAuthentication } from '../authentication.ts'
import { followPermission } from '../followed-permission.ts'
import { readOidc } from '../oidc.ts'
import type { OutsideWorld } from '../outside.ts'
import { resolveSettings } from '../settings.ts'
import { readTokenAuthFile } from '../token-file.ts'
import { withoutAdmission } from './admission-plugins.ts'
import { authorizationOf } from './authorization.ts'
import { isStandIn } from './etcd.ts'
import type { Flags } from './flags.ts'
import { tlsProtocolOf } from './tls-protocol.ts'

export interface RunningKubeApiServer extends AsyncDisposable {
  api: ApiServer
  /** `https://127.0.0.1:34567` */
  url: string
}

/** What `optiflow up` reads in the same words. */
const sharedFlags = [
  ...['oidc-issuer-url', 'oidc-client-id', 'oidc-username-claim', 'oidc-username-prefix'],
  ...['oidc-groups-claim', 'oidc-groups-prefix', 'oidc-required-claim', 'oidc-ca-file'],
  ...['audit-policy-file', 'audit-log-path', 'audit-log-maxage', 'audit-log-maxbackup', 'audit-log-maxsize'],
  ...['audit-webhook-config-file', 'audit-webhook-batch-max-size', 'audit-webhook-batch-max-wait'],
]

/**
 * The API alone, as kube-apiserver's flags describe it: addresses, certificates, keys and switches that envtest passes.
 * @throws Error for files that are not there, and addresses that are taken
 */
export async function startKubeApiServer(flags: Flags, outside: OutsideWorld): Promise<RunningKubeApiServer> {
  const stack = new Disposal()
  try {
    const store = stack.use(await storeOf(flags, outside))
    const protocol = tlsProtocolOf(flags)
    const files = await filesOf(flags, outside)
    const identity = await identityOf(flags, outside)
    const permission = await permissionOf(flags, outside)
    const { authentication, authorization } = permission
    const admissionFile = flags.one('admission-control-config-file')
    const admission = admissionFile === undefined ? {} : await readAdmission(admissionFile, outside.disk)
    const options = { ...optionsOf(flags, files), ...identity, ...authentication, authorization, ...admission }
    const api = stack.use(await createApiServer({ ...options, ...outside, store }))
    stack.use(permission.follow(api))
    const host = flags.one('bind-address') ?? '0.0.0.0'
    const { serving, clientCa, frontProxy } = files
    const { port } = await api.listen({
      host,
      port: Number(flags.one('secure-port') ?? 6443),
      tls: {
        ...serving,
        protocol,
        ...(clientCa ? { clientCa } : {}),
        ...(frontProxy ? { frontProxyCa: frontProxy.ca } : {}),
      },
      headers: strictTransportOf(flags),
    })
    await api.publish(flags.one('advertise-address') ?? nodeIp(), port)
    const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
    return { api, url, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

type Files = Awaited<ReturnType<typeof filesOf>>

function optionsOf(flags: Flags, files: Files): Omit<ApiServerOptions, 'store'> {
  const { clientCa, frontProxy, tokenKeys, kubelet } = files
  const issuers = flags.list('service-account-issuer')
  const audiences = flags.list('api-audiences')
  const keysUrl = flags.one('service-account-jwks-uri')
  const serviceCidr = flags.one('service-cluster-ip-range')
  const [first, last] = (flags.one('service-node-port-range') ?? '').split('-').map(Number)
  return {
    aggregatedDiscovery: !flags.list('feature-gates').includes('AggregatedDiscoveryEndpoint=false'),
    withoutAdmission: withoutAdmission(flags.list('enable-admission-plugins'), flags.list('disable-admission-plugins')),
    nodes: tlsNodeDialer(kubelet),
    ...seatsOf(flags),
    ...(flags.one('min-request-timeout') ? { minWatchMs: Number(flags.one('min-request-timeout')) * 1000 } : {}),
    ...(tokenKeys ? { tokenKeys } : {}),
    ...(issuers.length ? { tokenIssuers: issuers } : {}),
    ...(audiences.length ? { apiAudiences: audiences } : {}),
    ...(keysUrl ? { tokenKeysUrl: keysUrl } : {}),
    ...(serviceCidr ? { serviceCidr } : {}),
    ...(first && last ? { nodePorts: { first, last } } : {}),
    ...(clientCa ? { clientCa } : {}),
    ...(frontProxy ? { frontProxy } : {}),
  }
}

/** Both kinds of requests share the seats; kube-apiserver's own numbers where one is not said, ours where neither is. */
function seatsOf(flags: Flags): { seats?: number } {
  const [reading, writing] = [flags.one('max-requests-inflight'), flags.one('max-mutating-requests-inflight')]
  if (reading === undefined && writing === undefined) return {}
  return { seats: Number(reading ?? 400) + Number(writing ?? 200) }
}

/** Who else is believed, what is recorded of what they ask, and whether strangers are let in. */
async function identityOf(flags: Flags, outside: OutsideWorld): Promise<Partial<ApiServerOptions>> {
  const tokens = flags.one('token-auth-file')
  const given = sharedFlags.map(name => [name, flags.list(name).join(',')])
  const machine = { root: false, containerd: false, hostname: 'kube-apiserver' }
  const settings = resolveSettings({ flags: Object.fromEntries(given), env: {}, machine })
  const oidc = await readOidc(settings, outside.disk)
  const audit = await readAudit(settings, outside)
  return {
    ...(tokens ? { tokens: await readTokenAuthFile(tokens, outside.disk) } : {}),
    ...(oidc ? { oidc } : {}),
    ...(audit ? { audit: { ...audit, blocking: modeOf(flags) === 'blocking' } } : {}),
    ...(flags.one('anonymous-auth') === 'false' ? { strangersAt: [] } : {}),
  }
}

/** What files say of it is read again when they change. */
async function permissionOf(flags: Flags, outside: OutsideWorld) {
  const { disk } = outside
  const beside = ['oidc-issuer-url', 'oidc-client-id', 'anonymous-auth']
    .filter(name => flags.one(name) !== undefined)
    .map(name => `--${name}`)
  const ownIssuers = flags.list('service-account-issuer')
  const authentication = flags.one('authentication-config')
  const authorization = flags.one('authorization-config')
  const readChoices = () => authorizationOf(flags, disk)
  const files = {
    authentication:
      authentication === undefined
        ? undefined
        : {
            path: authentication,
            read: () => readAuthentication(authentication, disk, { beside, ownIssuers }),
          },
    authorization: authorization === undefined ? undefined : { path: authorization, read: readChoices },
  }
  const permission = await followPermission(files, outside)
  return { ...permission, authorization: permission.authorization ?? (await readChoices()) }
}

/** As with kube-apiserver, an answer waits for its audit events unless the mode is `batch`. */
const modeOf = (flags: Flags) => flags.one('audit-log-mode')?.replace(/-strict$/, '') ?? 'blocking'

/** The etcd that the flags name; in memory where our stand-in answers there. */
async function storeOf(flags: Flags, { disk, net, clock, log }: OutsideWorld): Promise<Store> {
  const endpoints = flags.list('etcd-servers')
  if (endpoints.length === 0 || (await isStandIn(endpoints[0]!, net))) return openMemoryStore({ clock })
  const read = async (field: 'ca' | 'cert' | 'key', path: string | undefined) =>
    path ? { [field]: await disk.readText(path) } : {}
  const store = await openEtcdStore({
    ...{ endpoints, clock, log },
    ...(await read('ca', flags.one('etcd-cafile'))),
    ...(await read('cert', flags.one('etcd-certfile'))),
    ...(await read('key', flags.one('etcd-keyfile'))),
  })
  const prefix = flags.one('etcd-prefix')?.replace(/^\/*|\/*$/g, '') ?? ''
  return prefix === '' || prefix === 'registry' ? store : new PrefixedStore(store, `/${prefix}`)
}

async function filesOf(flags: Flags, outside: OutsideWorld) {
  const text = async (flag: string) => {
    const path = flags.one(flag)
    return path ? await outside.disk.readText(path) : undefined
  }
  const frontProxyCa = await text('requestheader-client-ca-file')
  const identity = { cert: await text('proxy-client-cert-file'), key: await text('proxy-client-key-file') }
  return {
    serving: await servingCertificate(flags, outside),
    clientCa: await text('client-ca-file'),
    frontProxy: frontProxyCa && {
      ca: frontProxyCa,
      allowedNames: flags.list('requestheader-allowed-names'),
      ...(identity.cert && identity.key ? { identity: { cert: identity.cert, key: identity.key } } : {}),
    },
    kubelet: await kubeletOf(text),
    tokenKeys: await tokenKeysOf(
      await text('service-account-signing-key-file'),
      await text('service-account-key-file'),
    ),
  }
}

/** Browsers are told to come by HTTPS only. */
function strictTransportOf(flags: Flags): Record<string, string> {
  const directives = flags.list('strict-transport-security-directives')
  return directives.length ? { 'strict-transport-security': directives.join('; ') } : {}
}

/** What the agents of nodes are shown, and who signed theirs. */
async function kubeletOf(text: (flag: string) => Promise<string | undefined>): Promise<TlsNodeDialerOptions> {
  const [cert, key] = [await text('kubelet-client-certificate'), await text('kubelet-client-key')]
  const ca = await text('kubelet-certificate-authority')
  return { ...(cert && key ? { cert, key } : {}), ...(ca ? { ca } : {}) }
}

async function tokenKeysOf(privateKey: string | undefined, publicKey: string | undefined) {
  if (!privateKey) return createTokenKey()
  return { privateKey, publicKey: publicKey ?? privateKey }
}

/** Suites of TLS 1.2 and before are for one sort of keys: with those of RSA named, the key is one. */
const namesRsa = (flags: Flags): boolean => flags.list('tls-cipher-suites').some(suite => /_RSA_WITH_/.test(suite))

/** The files named, or those in the certificates' folder, or, as kube-apiserver does, one that signs itself. */
async function servingCertificate(flags: Flags, { disk, clock }: OutsideWorld): Promise<KeyPair> {
  const folder = flags.one('cert-dir') ?? '/var/run/kubernetes'
  const certPath = flags.one('tls-cert-file') ?? join(folder, 'apiserver.crt')
  const keyPath = flags.one('tls-private-key-file') ?? join(folder, 'apiserver.key')
  if (flags.one('tls-cert-file') || (await disk.exists(certPath)))
    return { cert: await disk.readText(certPath), key: await disk.readText(keyPath) }
  const authority = await createAuthority('apiserver-ca', clock)
  const host = flags.one('bind-address') ?? '127.0.0.1'
  const serviceCidr = flags.one('service-cluster-ip-range') ?? '10.96.0.0/16'
  const names = serverNames(host, serviceCidr, 'cluster.local')
  const own = await issueCertificate(
    authority,
    { commonName: 'apiserver', ...names, usages: ['server'], rsa: namesRsa(flags) },
    clock,
  )
  const pair = { cert: `${own.cert.trim()}\n${authority.cert}`, key: own.key }
  await disk.makeFolder(folder)
  await disk.write(keyPath, pair.key, { mode: 0o600 })
  await disk.write(certPath, pair.cert)
  return pair
}
