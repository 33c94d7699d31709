import { same } from '../../../base/equality.ts'
import type { Kind } from '../../../models/kind.ts'
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { PolicyRule, Subject } from '../../../models/types/rbac-v1.ts'
import { type Draft, ensure } from '../../bootstrap/ensure.ts'
import type { Core } from '../../core.ts'
import { trackPlainWrite } from '../../objects/field-owners.ts'
import { updateObject } from '../../objects/update-object.ts'
import { system } from '../../own-user.ts'
import { type DefaultRole, defaultRoles } from './default-roles.ts'
import { type NamespaceRole, namespaceRoles } from './namespace-roles.ts'
import { rulesCover } from './rules.ts'

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

const bootstrapping = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

/**
 * Writes the default roles and their bindings. What is there keeps what was added to it, and gets back what it lacks,
 * unless its annotation `rbac.authorization.kubernetes.io/autoupdate` says `false`.
 */
export async function bootstrapRoles(core: Core): Promise<void> {
  const writes = defaultRoles.flatMap(role => [
    put(core, ClusterRole, roleOf(role), lackingRules),
    ...(role.boundTo ? [put(core, ClusterRoleBinding, bindingOf(role), lackingSubjects)] : []),
  ])
  await Promise.all(writes)
}

/** Once the namespaces are there: the roles of single namespaces. */
export async function bootstrapNamespaceRoles(core: Core): Promise<void> {
  const writes = namespaceRoles.flatMap(role => [
    put(core, Role, namespaceRoleOf(role), lackingRules),
    ...(role.boundTo?.length ? [put(core, RoleBinding, namespaceBindingOf(role), lackingSubjects)] : []),
  ])
  await Promise.all(writes)
}

/** What the object that is there lacks is added by `complete`, which tells whether there was anything. */
async function put(
  core: Core,
  kind: Kind<any>,
  draft: Draft,
  complete: (present: AnyObject, draft: Draft) => boolean,
): Promise<void> {
  const { name, namespace } = draft['metadata']
  if (await ensure(core, kind, draft)) return
  const resource = core.resources.of(kind)
  const kept = core.cache.get(resource, namespace, name)
  if (!kept || core.shared(kept).metadata.annotations?.[autoUpdate] === 'false') return
  if (!complete(kept.parse(), draft)) return
  const nextState = (present: AnyObject) => {
    complete(present, draft)
    present.metadata.resourceVersion = ''
    return present
  }
  await updateObject(core, resource, namespace, name, nextState, {
    ...{
      user: system,
      dryRun: false,
      warnings: [],
      subresource: '',
      track: trackPlainWrite(core, kind, 'kube-apiserver'),
    },
  })
}

function lackingRules(present: AnyObject, draft: Draft): boolean {
  const labels = lackingLabels(present, draft)
  if (draft['aggregationRule']) {
    if (same(present['aggregationRule'], draft['aggregationRule'])) return labels
    present['aggregationRule'] = draft['aggregationRule']
    return true
  }
  const owned: PolicyRule[] = present['rules'] ?? []
  const lacking = ((draft['rules'] ?? []) as PolicyRule[]).filter(rule => !rulesCover(owned, rule))
  if (lacking.length) present['rules'] = [...owned, ...lacking]
  return labels || lacking.length > 0
}

function lackingSubjects(present: AnyObject, draft: Draft): boolean {
  const labels = lackingLabels(present, draft)
  const owned: Subject[] = present['subjects'] ?? []
  const lacking = ((draft['subjects'] ?? []) as Subject[]).filter(
    s => !owned.some(o => o.kind === s.kind && o.name === s.name && o.namespace === s.namespace),
  )
  if (lacking.length) present['subjects'] = [...owned, ...lacking]
  return labels || lacking.length > 0
}

function lackingLabels(present: AnyObject, draft: Draft): boolean {
  const wanted = draft['metadata'].labels ?? {}
  const lacking = Object.keys(wanted).filter(key => present.metadata.labels?.[key] === undefined)
  if (lacking.length) present.metadata.labels = { ...wanted, ...present.metadata.labels }
  return lacking.length > 0
}

function roleOf({ name, rules, aggregates, labels }: DefaultRole) {
  return {
    metadata: metadata(name, labels),
    ...(aggregates
      ? {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] },
          rules: gathered(aggregates),
        }
      : { rules }),
  }
}

/** What an aggregated role shows: the rules of those it gathers now. */
function gathered(label: string): DefaultRole['rules'] {
  return defaultRoles.filter(r => r.labels?.[label]).flatMap(r => (r.aggregates ? gathered(r.aggregates) : r.rules))
}

function bindingOf({ name, boundTo }: DefaultRole) {
  return {
    metadata: metadata(name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    // A binding to nobody has no subjects, rather than an empty list of them.
    ...(boundTo?.length
      ? {
          subjects: boundTo.map(s =>
            s.kind === 'ServiceAccount' ? s : { ...s, apiGroup: 'rbac.authorization.k8s.io' },
          ),
        }
      : {}),
  }
}

function namespaceRoleOf({ name, namespace, rules }: NamespaceRole) {
  return { metadata: { ...metadata(name), namespace }, rules }
}

function namespaceBindingOf({ name, namespace, boundTo, bindingName }: NamespaceRole) {
  return {
    metadata: { ...metadata(bindingName ?? name), namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: boundTo!,
  }
}

function metadata(name: string, labels: Record<string, string> = {}): AnyObject['metadata'] {
  return {
    name,
    labels: { ...bootstrapping, ...labels },
    annotations: { [autoUpdate]: 'true' },
  } as unknown as AnyObject['metadata']
}
