import type { Cache, Reconciler, World } from '../../client/reconciler.ts'
import type { Kind } from '../../models/kind.ts'
import { Ingress, IngressClass, Secret } from '../../models/kinds/index.ts'
import { type Draft, keyText, type ObjectKey, parseKey } from '../../models/object.ts'
import { Gateway, GatewayClass } from '../kinds/index.ts'
import { acmeAnnotations } from '../plan/annotations.ts'
import { AccountStore, type AcmeSettings } from './account-store.ts'
import { type CertificateAuthority, NotIssued } from './authority.ts'
import { challengesInSecret } from './challenge-secret.ts'
import { certificateState, retryInMs } from './renewal.ts'
import { type WantedCertificate, wantedCertificates } from './wanted.ts'

/** On Secrets that we filled: others are never touched. */
const madeHere = 'optiflow.dev/acme'
const off =
  'automatic certificates are off: start the server with --acme-email, which agrees to the terms of the authority'
/** Looked at again after so long at most: timers do not outlive a sleeping machine. */
const lookAgainMs = 6 * 3_600_000

/**
 * Obtains the certificates that Ingresses and Gateways want, and renews them. @param settings undefined: nobody may be asked
 * @param authority opened with the first of them
 */
export function certificateReconciler(
  settings: AcmeSettings | undefined,
  authority: () => Promise<CertificateAuthority>,
): Reconciler {
  let opened: Promise<CertificateAuthority> | undefined
  const all = (_changed: unknown, cache: Cache) => [...wantedIn(cache).keys()].map(parseKey)
  return {
    name: 'acme-certificate',
    primary: Secret,
    watches: [Ingress, IngressClass, Gateway, GatewayClass].map((kind: Kind<any>) => ({ kind, keys: all })),
    writes: [{ kind: Secret, part: 'owned' }],
    // One after the other: what failed is kept in one place, and authorities count.
    concurrency: 1,
    async reconcile(key, world) {
      const { cache, clock } = world
      const wanted = wantedIn(cache).get(keyText(key))
      if (!wanted) return
      const there = cache.get(Secret, key)
      if (there && there.metadata.labels?.[madeHere] === undefined) {
        const message = `secret "${key.name}" is there already and not ours: delete it, or name another one`
        return tell(world, wanted, 'CertificateFailed', message)
      }
      const { dueInMs, expired } = certificateState(certOf(there), wanted.names, clock.now())
      if (dueInMs > 0) return { afterMs: Math.min(dueInMs, lookAgainMs) }
      if (!settings) {
        // The other annotation may be meant for somebody else.
        const by = wanted.by.filter(({ metadata }) => metadata.annotations?.[acmeAnnotations[0]] === 'true')
        return tell(world, { ...wanted, by }, 'CertificateFailed', off)
      }
      opened ??= authority()
      const store = new AccountStore(world.client, settings, await opened)
      const before = (await store.failures())[keyText(key)]
      const waitMs = before ? Date.parse(before.retryAt) - clock.now() : 0
      if (waitMs > 0) return { afterMs: waitMs }
      try {
        await obtain(key, wanted, there, { store, authority: await opened, world })
        await store.note(keyText(key), undefined)
        return { afterMs: lookAgainMs }
      } catch (error) {
        if (!(error instanceof NotIssued)) throw error
        const count = (before?.count ?? 0) + 1
        const afterMs = retryInMs(count, error.retryAfterMs)
        const retryAt = new Date(clock.now() + afterMs).toISOString()
        await store.note(keyText(key), { count, retryAt })
        const message = `no certificate for ${wanted.names.join(', ')}: ${error.message}; tried again at ${retryAt}`
        tell(world, wanted, expired ? 'CertificateExpired' : 'CertificateFailed', message)
        return { afterMs }
      }
    },
  }
}

function wantedIn(cache: Cache): Map<string, WantedCertificate> {
  return wantedCertificates({
    ...{ ingresses: cache.list(Ingress), ingressClasses: cache.list(IngressClass) },
    ...{ gateways: cache.list(Gateway), gatewayClasses: cache.list(GatewayClass) },
  })
}

/** @throws NotIssued */
async function obtain(
  key: ObjectKey,
  { names, by }: WantedCertificate,
  there: Secret | undefined,
  { store, authority, world }: { store: AccountStore; authority: CertificateAuthority; world: World },
): Promise<void> {
  const { client, clock, events } = world
  const wildcard = names.find(name => name.startsWith('*'))
  if (wildcard) throw new NotIssued(`${wildcard} is a wildcard, which cannot be proven over HTTP`, { cause: undefined })
  const challenges = challengesInSecret(client, clock, keyText(key))
  const { cert, key: privateKey } = await authority.issue(await store.account(), names, challenges)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const data = { 'tls.crt': base64(cert), 'tls.key': base64(privateKey) }
  if (there) await client.patch(Secret, key, { type: 'merge', body: { data } })
  else {
    const metadata = { ...key, labels: { [madeHere]: '' } }
    await client.create(Secret, { metadata, type: 'kubernetes.io/tls', data } as Draft<Secret>)
  }
  for (const object of by)
    events.normal(object, 'CertificateIssued', `secret "${key.name}" has a certificate for ${names.join(', ')}`)
}

function tell({ events }: World, { by }: WantedCertificate, reason: string, message: string): void {
  for (const object of by) events.warning(object, reason, message)
}

const certOf = (secret: Secret | undefined) =>
  secret?.data?.['tls.crt'] === undefined ? undefined : Buffer.from(secret.data['tls.crt'], 'base64').toString()
