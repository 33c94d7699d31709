import { join } from 'node:path'
import { type ApiServer, createApiServer, type Listening, tlsNodeDialer } from '../apiserver/index.ts'
import { Disposal } from '../base/disposal.ts'
import { codeOf, explain, OptiFlowError } from '../base/errors.ts'
import { bracketed } from '../base/ip.ts'
import { nodeIp, serverNames } from './addresses.ts'
import { administration } from './administration.ts'
import { readAdmission } from './admission.ts'
import { readAudit } from './audit.ts'
import { readAuthentication } from './authentication.ts'
import { readClusterAuthorization } from './authorization.ts'
import { scheduleBackups } from './backups.ts'
import { calicoResources } from './calico-admission.ts'
import { tellOfEnds } from './certificate-ends.ts'
import { type Explanations, serveExplanations } from './explanations.ts'
import { followKeys } from './followed-keys.ts'
import { followPermission } from './followed-permission.ts'
import { joiningUser } from './identities.ts'
import { readOidc } from './oidc.ts'
import type { OutsideWorld } from './outside.ts'
import { asPart, type Report } from './part.ts'
import { frontProxyName, loadPki, type Pki } from './pki.ts'
import { current, keepServerKeys, listenerKeys } from './server-keys.ts'
import type { Settings } from './settings.ts'
import { type OpenedStore, openStore } from './store.ts'
import { tlsProtocol } from './tls-protocol.ts'
import { readTokenAuthFile } from './token-file.ts'

/** The API's address is taken. */
export class PortTaken extends OptiFlowError {}

export interface RunningServer extends AsyncDisposable {
  api: ApiServer
  pki: Pki
  explanations: Explanations
  /** `https://127.0.0.1:6443` */
  url: string
}

export interface ServerOptions {
  settings: Settings
  outside: OutsideWorld
  report: Report
}

/** Store, keys and API server. @throws PortTaken, StoreFailed */
export async function startServer({ settings, outside, report }: ServerOptions): Promise<RunningServer> {
  const keysFolder = join(settings.dataDir, 'pki')
  const pki = await loadPki({
    ...outside,
    folder: keysFolder,
    serverNames: serverNames(settings.listen.host, settings.serviceCidr, settings.clusterDomain),
  })
  const oidc = await readOidc(settings, outside.disk)
  const audit = await readAudit(settings, outside)
  const { authenticationConfig, authorizationConfig, admissionControlConfigFile, tokenAuthFile } = settings
  const admission = admissionControlConfigFile && (await readAdmission(admissionControlConfigFile, outside.disk))
  const policyFile = settings.authorizationPolicyFile
  const files = { disk: outside.disk, policyFile }
  const identities = {
    beside: oidc ? ['--oidc-issuer-url'] : [],
    ownIssuers: settings.serviceAccountIssuers ?? ['https://kubernetes.default.svc'],
  }
  const permission = await followPermission(
    {
      authentication:
        authenticationConfig === undefined
          ? undefined
          : {
              path: authenticationConfig,
              read: () => readAuthentication(authenticationConfig, outside.disk, identities),
            },
      authorization:
        authorizationConfig === undefined
          ? undefined
          : {
              path: authorizationConfig,
              read: () => readClusterAuthorization(authorizationConfig, files),
            },
    },
    outside,
  )
  const { authentication, authorization } = permission
  const tokens = tokenAuthFile === undefined ? {} : await readTokenAuthFile(tokenAuthFile, outside.disk)
  const stack = new Disposal()
  try {
    const opened = stack.use(
      await asPart(report, 'store', 'opening', async () => {
        const opening = await openStore(settings, outside)
        return [opening, opening.description]
      }),
    )
    await planBackups(opened, settings, outside, stack)
    return await asPart(report, 'api', `opening ${settings.listen.host}:${settings.listen.port}`, async () => {
      const api = stack.use(
        await createApiServer({
          store: opened.store,
          shared: settings.store.engine === 'etcd',
          more: administration(opened, outside.clock),
          clock: outside.clock,
          random: outside.random,
          net: outside.net,
          log: outside.log,
          tokens: { ...tokens, [pki.joinToken]: joiningUser(pki.joinToken) },
          tokenKeys: pki.tokenKey,
          ...tokenIssuing(settings),
          ...(oidc ? { oidc } : {}),
          ...(audit ? { audit } : {}),
          ...authentication,
          ...(admission || {}),
          ...(authorization ? { authorization } : {}),
          clientCa: pki.ca.cert,
          frontProxy: {
            ca: pki.frontProxyCa.cert,
            allowedNames: [frontProxyName],
            identity: current(pki, 'frontProxyClient'),
          },
          admission: [calicoResources],
          serviceCidr: settings.serviceCidr,
          events: { maxAgeMs: settings.eventAgeMs },
          nodes: tlsNodeDialer(withAuthority(pki)),
        }),
      )
      stack.use(permission.follow(api))
      const { url, listening } = await listen(api, settings, pki)
      stack.defer(keepServerKeys(pki, listening, outside))
      stack.defer(
        pki.follow(() => {
          const trusted = { clientCa: pki.ca.cert, frontProxyCa: pki.frontProxyCa.cert }
          api
            .trust(trusted)
            .catch(error => outside.log.warn({ error: explain(error) }, 'the renewed authority is not published'))
        }),
      )
      stack.defer(followKeys(pki, keysFolder, outside))
      stack.defer(await tellOfEnds(settings.dataDir, outside))
      await api.publish(nodeIp(), Number(new URL(url).port))
      const explanations = stack.use(serveExplanations(api, outside, settings.schedulerConfig))
      return [{ api, pki, explanations, url, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }, url]
    })
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** What we show to agents, and whom we believe to be one. */
const withAuthority = (pki: Pki) => {
  const client = current(pki, 'agentClient')
  return Object.defineProperty(client as typeof client & { ca: string }, 'ca', { get: () => pki.ca.cert })
}

async function planBackups(opened: OpenedStore, settings: Settings, outside: OutsideWorld, stack: Disposal) {
  const { backupDir: folder, backupEveryMs: everyMs, backupKeep: keep, backupKeyFile } = settings
  if (folder === undefined) return
  const secret = backupKeyFile === undefined ? undefined : { keyFile: await outside.disk.read(backupKeyFile) }
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const store = opened.sealed?.store.inner ?? opened.store
  scheduleBackups({ ...outside, store, plan: { folder, everyMs, keep, secret }, signal: stop.signal })
}

async function listen(api: ApiServer, settings: Settings, pki: Pki): Promise<{ url: string; listening: Listening }> {
  const { host, port } = settings.listen
  try {
    const listening = await api.listen({
      host,
      port,
      tls: {
        ...listenerKeys(pki),
        protocol: tlsProtocol(settings.tlsMinVersion, settings.tlsCipherSuites),
      },
    })
    const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : bracketed(host)
    return { url: `https://${shown}:${listening.port}`, listening }
  } catch (cause) {
    if (codeOf(cause) === 'EADDRINUSE')
      throw new PortTaken(`${host}:${port} is in use by another program`, {
        hint: `See who with "ss -ltnp sport = :${port}", or choose another with --listen.`,
      })
    if (codeOf(cause) === 'EADDRNOTAVAIL')
      throw new PortTaken(`this machine has no address ${host}`, { hint: 'Use 0.0.0.0 for all of them.' })
    if (codeOf(cause) === 'EACCES')
      throw new PortTaken(`not allowed to open ${host}:${port}`, { hint: 'Ports below 1024 need root.' })
    throw cause
  }
}

function tokenIssuing({ serviceAccountIssuers, serviceAccountJwksUri, apiAudiences }: Settings) {
  return {
    ...(serviceAccountIssuers ? { tokenIssuers: serviceAccountIssuers } : {}),
    ...(serviceAccountJwksUri ? { tokenKeysUrl: serviceAccountJwksUri } : {}),
    ...(apiAudiences ? { apiAudiences } : {}),
  }
}
