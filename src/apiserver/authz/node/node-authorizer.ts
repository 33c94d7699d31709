import { isNetworkAccount } from '../../../models/network-account.ts'
import type { UserInfo } from '../../../models/rest.ts'
import type { Attributes, Authorizer, Decision } from '../authorizer.ts'
import type { NodeObjects } from './node-objects.ts'
import type { PodsByNode } from './pods-by-node.ts'
import { type PodReferences, referencesOf } from './references.ts'
import { isNamelessNode, whyNot } from './refusals.ts'

const nodePrefix = 'system:node:'

/** The name of the node that speaks, if it is one. */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.groups.includes('system:nodes') && user.username.startsWith(nodePrefix)
    ? user.username.slice(nodePrefix.length)
    : undefined
}

const read = ['get', 'list', 'watch']
const change = ['patch', 'update']

/** What any node may do, by `group/resource[/subresource]`. */
const common = new Map<string, string[]>([
  ['/services', read],
  ['/endpoints', read],
  ['discovery.k8s.io/endpointslices', read],
  ['/namespaces', read],
  ['/nodes', ['create', ...read]],
  ['node.k8s.io/runtimeclasses', read],
  ['scheduling.k8s.io/priorityclasses', read],
  ['storage.k8s.io/csidrivers', read],
  ['storage.k8s.io/storageclasses', read],
  ['networking.k8s.io/networkpolicies', read],
  ['/events', ['create', 'patch', 'update']],
  ['events.k8s.io/events', ['create', 'patch', 'update']],
  ['authentication.k8s.io/tokenreviews', ['create']],
  ['authorization.k8s.io/subjectaccessreviews', ['create']],
  ['authorization.k8s.io/localsubjectaccessreviews', ['create']],
  ['certificates.k8s.io/certificatesigningrequests', ['create', ...read]],
])

/**
 * The rights of a node: its own Node and Lease, its own pods, and of Secrets, ConfigMaps and claims only those that its
 * pods name. A stolen node must not read everybody's secrets.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #pods: PodsByNode
  readonly #objects: NodeObjects

  constructor(pods: PodsByNode, objects: NodeObjects) {
    this.#pods = pods
    this.#objects = objects
  }

  beyondRules(user: UserInfo): string | undefined {
    return nodeNameOf(user) === undefined ? undefined : 'node authorizer does not support user rule resolution'
  }

  authorize(attributes: Attributes): Decision | undefined {
    const node = nodeNameOf(attributes.user)
    const { resource } = attributes
    if (node === undefined || !resource) return undefined
    return this.#mayDo(node, attributes.verb, resource, attributes.fieldSelector)
      ? { allowed: true, reason: '' }
      : undefined
  }

  whyNot({ user, verb, resource }: Attributes): string {
    if (isNamelessNode(user)) return `unknown node for user ${JSON.stringify(user.username)}`
    const node = nodeNameOf(user)
    return node === undefined || !resource ? '' : whyNot(node, verb, resource)
  }

  #mayDo(node: string, verb: string, r: NonNullable<Attributes['resource']>, fields: string | undefined): boolean {
    const what = r.subresource ? `${r.group}/${r.plural}/${r.subresource}` : `${r.group}/${r.plural}`
    if (common.get(what)?.includes(verb)) return true
    switch (what) {
      case '/nodes':
      case '/nodes/status':
        return r.name === node && change.includes(verb)
      case 'storage.k8s.io/csinodes':
        // Admission sees the name of a new one.
        return verb === 'create' || (r.name === node && ['delete', 'get', ...change].includes(verb))
      case 'coordination.k8s.io/leases':
        if (r.namespace !== 'kube-node-lease') return false
        return verb === 'create' || (r.name === node && ['delete', 'get', ...change].includes(verb))
      case 'resource.k8s.io/resourceslices':
        if (verb === 'create') return true
        if (['list', 'watch', 'deletecollection'].includes(verb)) return selects(fields, 'spec.nodeName', node)
        return ['get', 'delete', ...change].includes(verb) && this.#objects.sliceIsOf(node, r.name)
      case 'resource.k8s.io/resourceclaims':
        return verb === 'get' && this.#uses(node, r, refs => refs.resourceClaims)
      case 'storage.k8s.io/volumeattachments':
        return verb === 'get' && this.#objects.attachmentIsOf(node, r.name)
      case '/pods':
        if (verb === 'list' || verb === 'watch')
          return selects(fields, 'spec.nodeName', node) || (r.name !== '' && this.#has(node, r.namespace, r.name))
        return verb === 'create' || ((verb === 'get' || verb === 'delete') && this.#has(node, r.namespace, r.name))
      case '/pods/status':
        return ['get', ...change].includes(verb) && this.#has(node, r.namespace, r.name)
      case '/pods/eviction':
        return verb === 'create' && this.#has(node, r.namespace, r.name)
      case '/serviceaccounts':
        return verb === 'get' && this.#usesAccount(node, r.namespace, r.name)
      case '/serviceaccounts/token':
        return verb === 'create' && (isNetworkAccount(r) || this.#usesAccount(node, r.namespace, r.name))
      case '/secrets':
        return this.#reads(node, verb, r, fields, refs => refs.secrets) || this.#readsOfVolume(node, verb, r, fields)
      case '/configmaps':
        return this.#reads(node, verb, r, fields, refs => refs.configMaps)
      case '/persistentvolumeclaims':
        return verb === 'get' && this.#uses(node, r, refs => refs.claims)
      case '/persistentvolumeclaims/status':
        return ['get', ...change].includes(verb) && this.#uses(node, r, refs => refs.claims)
      case '/persistentvolumes': {
        const claim = verb === 'get' ? this.#objects.claimOf(r.name) : undefined
        return claim !== undefined && this.#uses(node, claim, refs => refs.claims)
      }
      default:
        return false
    }
  }

  #reads(
    node: string,
    verb: string,
    r: { namespace: string; name: string },
    fields: string | undefined,
    names: (refs: PodReferences) => Set<string>,
  ): boolean {
    if (!read.includes(verb)) return false
    const name = nameOf(r, fields)
    return name !== undefined && this.#uses(node, { namespace: r.namespace, name }, names)
  }

  /** Whether a volume of one of its pods needs the Secret, which may be of another namespace. */
  #readsOfVolume(node: string, verb: string, r: { namespace: string; name: string }, fields?: string): boolean {
    const name = nameOf(r, fields)
    if (!read.includes(verb) || name === undefined || !r.namespace) return false
    for (const pod of this.#pods.of(node)) {
      const namespace = pod.metadata.namespace!
      for (const claim of referencesOf(pod).claims)
        if (this.#objects.claimNeedsSecret({ namespace, name: claim }, { namespace: r.namespace, name })) return true
    }
    return false
  }

  /** Whether a pod of the node needs the object. */
  #uses(
    node: string,
    { namespace, name }: { namespace: string; name: string },
    names: (refs: PodReferences) => Set<string>,
  ): boolean {
    if (!name || !namespace) return false
    for (const pod of this.#pods.of(node))
      if (pod.metadata.namespace === namespace && names(referencesOf(pod)).has(name)) return true
    return false
  }

  #has(node: string, namespace: string, name: string): boolean {
    for (const pod of this.#pods.of(node))
      if (pod.metadata.namespace === namespace && pod.metadata.name === name) return true
    return false
  }

  #usesAccount(node: string, namespace: string, name: string): boolean {
    for (const pod of this.#pods.of(node))
      if (pod.metadata.namespace === namespace && (pod['spec']?.serviceAccountName ?? 'default') === name) return true
    return false
  }
}

/** Which one is asked for, by its path or by a list's selector. */
const nameOf = ({ name }: { name: string }, fields: string | undefined): string | undefined =>
  name || /(?:^|,)metadata\.name==?([^,]+)/.exec(fields ?? '')?.[1]

function selects(fields: string | undefined, field: string, value: string): boolean {
  return fields?.split(',').some(term => term === `${field}=${value}` || term === `${field}==${value}`) ?? false
}
