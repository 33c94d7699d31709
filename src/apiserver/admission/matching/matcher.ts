import { InvalidSelector, type LabelSelectorLike, type Selector, selectorFrom } from '../../../base/labels.ts'
import { ApiError, notFoundError } from '../../../models/api-error.ts'
import { Namespace } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Resource } from '../../resources.ts'
import type { Admission } from '../chain.ts'
import { type Rule, ruleMatches } from './rules.ts'

/** What webhooks and policies say about which requests concern them. */
export interface MatchWishes {
  rules?: Rule[] | undefined
  excludeRules?: Rule[] | undefined
  /** `Equivalent`: a rule of another version of the same objects counts too. */
  matchPolicy?: string | undefined
  namespaceSelector?: LabelSelectorLike | undefined
  objectSelector?: LabelSelectorLike | undefined
}

const exempt = new Set([
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
])

/** Webhooks and policies are never asked about each other: one that refuses everything could not be taken away again. */
export function isExempt({ kind }: Resource): boolean {
  return kind.group === 'admissionregistration.k8s.io' && exempt.has(kind.kind)
}

/** The compiled form of one MatchWishes; what its rules say is worked out once for each kind of request. */
export class Matcher {
  readonly #wishes: MatchWishes
  readonly #namespaces: Selector | InvalidSelector
  readonly #objects: Selector | InvalidSelector
  readonly #byName: boolean
  #generation = -1
  #known = new Map<string, Resource | undefined>()

  /** A selector that cannot be understood, which only damage can store, concerns those alone whom the rules match. */
  constructor(wishes: MatchWishes) {
    this.#wishes = wishes
    this.#namespaces = parsed(wishes.namespaceSelector)
    this.#objects = parsed(wishes.objectSelector)
    this.#byName = [...(wishes.rules ?? []), ...(wishes.excludeRules ?? [])].some(rule => rule.resourceNames?.length)
  }

  /** By its rules alone: what does not change while others change the object. */
  mayMatch(admission: Admission): boolean {
    return this.#ruled(admission) !== undefined
  }

  /**
   * In which version of its kind a request concerns us; undefined if it does not.
   * @throws ApiError NotFound when its namespace has to be looked at and is not there, InternalError for a damaged selector
   */
  match(admission: Admission): Resource | undefined {
    const resource = this.#ruled(admission)
    if (!resource) return undefined
    const namespaces = usable(this.#namespaces)
    const objects = usable(this.#objects)
    return namespaceMatches(namespaces, admission) && objectMatches(objects, admission) ? resource : undefined
  }

  #ruled(admission: Admission): Resource | undefined {
    if (this.#byName) return this.#askRules(admission)
    const { resources } = admission.core
    if (this.#generation !== resources.generation) {
      this.#known.clear()
      this.#generation = resources.generation
    }
    const { kind } = requestedOf(admission)
    const key = `${admission.operation} ${kind.group}/${kind.version}/${kind.plural}/${admission.subresource}`
    if (!this.#known.has(key)) this.#known.set(key, this.#askRules(admission))
    return this.#known.get(key)
  }

  #askRules(admission: Admission): Resource | undefined {
    const { excludeRules = [], rules = [] } = this.#wishes
    if (this.#firstMatch(excludeRules, admission)) return undefined
    return this.#firstMatch(rules, admission)
  }

  /** The version that was asked for counts before others; among those, the order of rules. */
  #firstMatch(rules: Rule[], admission: Admission): Resource | undefined {
    const requested = requestedOf(admission)
    const matches = (rule: Rule, resource: Resource) => {
      const { group, version, plural } = resource.kind
      const { subresource, operation, name } = admission
      return ruleMatches(rule, {
        group,
        version,
        plural,
        subresource,
        operation,
        name,
        namespaced: resource.namespaced,
      })
    }
    if (rules.some(rule => matches(rule, requested))) return requested
    if (this.#wishes.matchPolicy === 'Exact') return undefined
    const others = admission.core.resources.all().filter(r => r.prefix === requested.prefix && r !== requested)
    for (const rule of rules) {
      const found = others.find(resource => matches(rule, resource))
      if (found) return found
    }
    return undefined
  }
}

function parsed(selector: LabelSelectorLike | undefined): Selector | InvalidSelector {
  try {
    return selectorFrom(selector ?? {})
  } catch (error) {
    if (error instanceof InvalidSelector) return error
    throw error
  }
}

function usable(selector: Selector | InvalidSelector): Selector {
  if (selector instanceof InvalidSelector)
    throw new ApiError('InternalError', `Internal error occurred: ${selector.message}`, { cause: selector })
  return selector
}

function namespaceMatches(selector: Selector, admission: Admission): boolean {
  if (selector.requirements.length === 0) return true
  if (isNamespace(admission)) return selector.matches(labelsOfNamespace(admission, admission.name))
  const { namespace, resource } = admission
  if (!resource.namespaced || !namespace) return true
  return selector.matches(labelsOfNamespace(admission, namespace))
}

/** Before or after: a change cannot be hidden by taking the label away with it. */
function objectMatches(selector: Selector, { object, previous }: Admission): boolean {
  if (selector.requirements.length === 0) return true
  return [object, previous].some(state => state?.metadata !== undefined && selector.matches(state.metadata.labels))
}

/** The version that the client wrote in. */
export function requestedOf(admission: Admission): Resource {
  return admission.requested ?? admission.resource
}

export function isNamespace({ resource }: Pick<Admission, 'resource'>): boolean {
  return resource.kind === Namespace
}

/** A Namespace that is being written has the labels that it will have. */
function labelsOfNamespace(admission: Admission, name: string): AnyObject['metadata']['labels'] {
  const { core, operation, object, subresource } = admission
  if (isNamespace(admission) && subresource === '' && object && operation !== 'DELETE') return object.metadata.labels
  return namespaceObject(core, name).metadata.labels
}

/** @throws ApiError NotFound */
export function namespaceObject(core: Admission['core'], name: string): AnyObject {
  const kept = core.cache.get(core.resources.of(Namespace), undefined, name)
  if (!kept) throw notFoundError(Namespace, name)
  return core.shared(kept)
}
