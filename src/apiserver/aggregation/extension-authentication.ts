import { certificatesOf } from '../../base/certificates.ts'
import { same } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import { ConfigMap } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { remoteHeaders } from '../authn/front-proxy.ts'
import { ensure } from '../bootstrap/ensure.ts'
import type { Core } from '../core.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'

export interface ExtensionAuthentication {
  /** PEM of the authority of users' certificates. */
  clientCa: string | undefined
  /** PEM of the authority of front proxies, and the names they may have. */
  frontProxy: { ca: string; allowedNames: readonly string[] } | undefined
}

const namespace = 'kube-system'
const name = 'extension-apiserver-authentication'
const settleMs = 100

/** Keeps the ConfigMap from which extension servers learn whom to believe. @returns once it is there */
export async function keepExtensionAuthentication(core: Core, trusted: ExtensionAuthentication): Promise<void> {
  if (!trusted.clientCa && !trusted.frontProxy) return
  await publishExtensionAuthentication(core, trusted)
  let planned = false
  const changed = (event: { namespace: string; name: string }) => {
    if (event.namespace !== namespace || event.name !== name || planned || core.closing.aborted) return
    planned = true
    core.clock.schedule(settleMs, () => {
      planned = false
      if (core.closing.aborted) return
      publishExtensionAuthentication(core, trusted).catch(error =>
        core.log.warn({ error: explain(error) }, `ConfigMap ${name} not kept`),
      )
    })
  }
  core.cache.bucket(core.resources.of(ConfigMap)).listeners.add({ changed })
}

/** Puts it there as it is now. */
export async function publishExtensionAuthentication(core: Core, trusted: ExtensionAuthentication): Promise<void> {
  const resource = core.resources.of(ConfigMap)
  const kept = core.cache.get(resource, namespace, name)
  if (!kept) {
    const metadata = { name, namespace } as unknown as AnyObject['metadata']
    await ensure(core, ConfigMap, { metadata, data: authenticationData(trusted, {}) })
    return
  }
  const present: Record<string, string> = core.shared(kept)['data'] ?? {}
  if (same(authenticationData(trusted, present), present)) return
  const nextState = (next: AnyObject) => {
    next['data'] = authenticationData(trusted, next['data'] ?? {})
    next.metadata.resourceVersion = ''
    return next
  }
  const options = { user: system, dryRun: false, warnings: [], subresource: '' }
  await updateObject(core, resource, namespace, name, nextState, options)
}

/** Authorities of other servers of the same cluster stay beside ours. */
export function authenticationData(
  { clientCa, frontProxy }: ExtensionAuthentication,
  present: Record<string, string>,
): Record<string, string> {
  const list = (key: string, names: readonly string[]) => ({ [key]: JSON.stringify(names) })
  const bundle = (key: string, own: string) => ({ [key]: union(present[key] ?? '', own) })
  return {
    ...present,
    ...(clientCa ? bundle('client-ca-file', clientCa) : {}),
    ...(frontProxy
      ? {
          ...list('requestheader-allowed-names', frontProxy.allowedNames),
          ...bundle('requestheader-client-ca-file', frontProxy.ca),
          ...list('requestheader-extra-headers-prefix', [shown(remoteHeaders.extraPrefix)]),
          ...list('requestheader-group-headers', [shown(remoteHeaders.group)]),
          ...list('requestheader-uid-headers', [shown(remoteHeaders.uid)]),
          ...list('requestheader-username-headers', [shown(remoteHeaders.user)]),
        }
      : {}),
  }
}

const union = (a: string, b: string) =>
  [...new Set([...certificatesOf(a), ...certificatesOf(b)])].map(pem => `${pem}\n`).join('')

/** `x-remote-user` → `X-Remote-User` */
const shown = (header: string) => header.replace(/(?<=^|-)[a-z]/g, letter => letter.toUpperCase())
