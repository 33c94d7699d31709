import { addQuantities, compareQuantities, subtractQuantities } from '../../base/quantity.ts'
import { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../../models/kinds/index.ts'
import {
  isQuotaNameOf,
  missingForQuota,
  quotaApplies,
  type ScopeRequirement,
  scopeApplies,
  scopesOf,
  type Usage,
  usageOf,
} from '../../models/quota-usage.ts'
import type * as core from '../../models/types/core-v1.ts'
import { encodeObject } from '../storage/object-bytes.ts'
import type { Claim } from '../storage/object-store.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'

/** Of what changes by itself or counts in the quota's own bookkeeping, nothing is counted. */
const uncounted = new Set(['events', 'bindings'])

/** What objects of a resource may use only where a quota covers it. */
export interface LimitedResource {
  group: string
  /** In the plural: `pods`. */
  resource: string
  /** Parts of names of what is used: `.storageclass.storage.k8s.io/requests.storage`. */
  contains: string[]
  scopes: ScopeRequirement[]
}

/**
 * Refuses what would use more than a quota of the namespace allows, and counts what it lets in: the quota's status
 * changes in the same commit as the object.
 */
export const resourceQuota = (limited: LimitedResource[] = []): AdmissionPlugin => ({
  name: 'ResourceQuota',
  handles(resource, operation, subresource) {
    if (!resource.namespaced || uncounted.has(resource.kind.plural)) return false
    if (operation === 'UPDATE')
      return subresource === ''
        ? isOf(resource, Service, PersistentVolumeClaim)
        : isOf(resource, Pod) && subresource === 'resize'
    return operation === 'CREATE' && subresource === ''
  },
  charges(admission) {
    const { core, resource, namespace, object } = admission
    const quotas = core.cache.bucket(core.resources.of(ResourceQuota)).list(namespace)
    if (quotas.length === 0 && limited.length === 0) return none
    const concerned = quotas.flatMap(kept => {
      const quota = core.shared(kept) as unknown as core.ResourceQuota
      const names = Object.keys(quota.status?.hard ?? {}).filter(name => isQuotaNameOf(resource.kind, name))
      return names.length && quotaApplies(quota, resource.kind, object!) ? [{ kept, quota, names }] : []
    })
    for (const { quota, names } of concerned) checkKnown(admission, quota, names)
    const added = addedUsage(admission)
    if (limited.length && Object.keys(added).length) checkCovered(admission, limited, quotas, concerned)
    return concerned.flatMap(({ kept, quota, names }) => charge(admission, kept, quota, only(added, names)))
  },
})

/** Whether quotas cover what may not be used without. @throws ApiError Forbidden */
function checkCovered(
  admission: Admission,
  limited: LimitedResource[],
  quotas: readonly KeptObject[],
  concerned: { names: string[] }[],
): void {
  const { resource, object, core } = admission
  const { group, plural } = resource.kind
  const own = limited.filter(one => one.group === group && one.resource === plural)
  const covered = new Set(concerned.flatMap(({ names }) => names))
  const used = Object.entries(usageOf(resource.kind, object!)).filter(
    ([, amount]) => compareQuantities(amount, '0') > 0,
  )
  const uncovered = used
    .map(([name]) => name)
    .filter(name => !covered.has(name) && own.some(one => one.contains.some(part => name.includes(part))))
  if (uncovered.length) throw forbidden(admission, `insufficient quota to consume: ${uncovered.sort().join(',')}`)
  if (!isOf(resource, Pod)) return
  const pod = object as unknown as core.Pod
  const coveredScopes = new Set(
    quotas
      .flatMap(kept => scopesOf(core.shared(kept) as unknown as core.ResourceQuota))
      .filter(scope => scopeApplies(scope, pod))
      .map(scope => scope.scopeName),
  )
  const missing = limited
    .flatMap(one => one.scopes)
    .filter(scope => scopeApplies(scope, pod) && !coveredScopes.has(scope.scopeName))
  if (missing.length === 0) return
  const texts = missing.map(scope => `{${scope.scopeName} ${scope.operator} [${(scope.values ?? []).join(' ')}]}`)
  throw forbidden(admission, `insufficient quota to match these scopes: [${texts.join(' ')}]`)
}

const none: Claim[] = []

/** The pod says what the quota wants to know, and the quota knows what is used. @throws ApiError */
function checkKnown(admission: Admission, { metadata, status }: core.ResourceQuota, names: string[]): void {
  const missing = missingForQuota(admission.resource.kind, admission.object!, names)
  if (missing) throw forbidden(admission, `failed quota: ${metadata.name}: ${missing}`)
  if (names.some(name => status?.used?.[name] === undefined))
    throw forbidden(admission, `status unknown for quota: ${metadata.name}, resources: ${[...names].sort().join(',')}`)
}

/** What the object uses more than before; only what is more than nothing. */
function addedUsage(admission: Admission): Usage {
  const { resource, object, previous } = admission
  const usage = usageOf(resource.kind, object!)
  const negative = Object.keys(usage).filter(name => compareQuantities(usage[name]!, '0') < 0)
  if (negative.length)
    throw forbidden(admission, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  const before = previous ? usageOf(resource.kind, previous) : {}
  const more = Object.entries(usage).map(
    ([name, amount]) => [name, subtractQuantities(amount, before[name] ?? '0')] as const,
  )
  return Object.fromEntries(more.filter(([, amount]) => compareQuantities(amount, '0') > 0))
}

function charge(admission: Admission, kept: KeptObject, quota: core.ResourceQuota, added: Usage): Claim[] {
  const names = Object.keys(added)
  if (names.length === 0) return none
  const { hard = {}, used = {} } = quota.status ?? {}
  const after = Object.fromEntries(names.map(name => [name, addQuantities(used[name]!, added[name]!)]))
  const exceeded = names.filter(name => compareQuantities(after[name]!, hard[name]!) > 0)
  if (exceeded.length)
    throw forbidden(
      admission,
      `exceeded quota: ${quota.metadata.name}, requested: ${show(added, exceeded)}, used: ${show(used, exceeded)}, limited: ${show(hard, exceeded)}`,
    )
  const next = { ...kept.parse(), status: { ...quota.status, used: { ...used, ...after } } }
  return [{ key: kept.key, value: encodeObject(next), seen: BigInt(kept.revision) }]
}

const only = (usage: Usage, names: string[]): Usage =>
  Object.fromEntries(Object.entries(usage).filter(([name]) => names.includes(name)))

/** `cpu=1,pods=2` */
function show(usage: Usage, names: string[]): string {
  return [...names]
    .sort()
    .map(name => `${name}=${usage[name]}`)
    .join(',')
}
