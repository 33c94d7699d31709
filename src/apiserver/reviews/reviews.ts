import { timestamp } from '../../base/clock.ts'
import { badRequest, invalidError } from '../../models/api-error.ts'
import { type FieldError, invalid } from '../../models/field-error.ts'
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ApiReply, ApiRequest, UserInfo } from '../../models/rest.ts'
import type { SubjectAccessReviewSpec } from '../../models/types/authorization-v1.ts'
import type { PolicyRule } from '../../models/types/rbac-v1.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts'
import { type AuthorizerChain, everything, mastersGroup } from '../authz/authorizer.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, ComputedVerbs, ResourceCall } from '../core.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { acceptedForm } from '../replies/accept.ts'
import { valueReply } from '../replies/object-form.ts'
import { fieldManager } from '../verbs/write-options.ts'
import { answerAccess, checkAccessSpec, invalidPath } from './access.ts'

export interface ReviewParts {
  authorizer: AuthorizerChain
  authenticators: Authenticator[]
  tokens: ServiceAccountTokens | undefined
}

/** Questions that are posted and answered at once: who am I, may I, whose token is this. Nothing is stored. */
export function reviewHandlers(parts: ReviewParts): Map<string, ComputedVerbs> {
  const access =
    (kind: typeof SubjectAccessReview | typeof LocalSubjectAccessReview): CallHandler =>
    async call => {
      checkAnswerable(call)
      const review = readObject(call, kind as typeof SubjectAccessReview)
      const spec = review['spec'] ?? {}
      const errors = checkAccessSpec(spec)
      if (!spec.user && !spec.groups?.length)
        errors.push(invalid('spec.user', '', 'at least one of user or group must be specified'))
      if (call.resource.namespaced) errors.push(...checkLocal(spec, call.path.namespace!))
      errors.push(...checkNoMetadata(call, review))
      if (errors.length) throw invalidError(nameless(kind), '', errors)
      const user: UserInfo = {
        username: spec.user ?? '',
        groups: spec.groups ?? [],
        ...(spec.uid ? { uid: spec.uid } : {}),
        ...(spec.extra ? { extra: spec.extra } : {}),
      }
      return answer(call, review, await answerAccess(parts.authorizer, user, spec))
    }
  const creators: [string, CallHandler][] = [
    ['authorization.k8s.io/subjectaccessreviews', access(SubjectAccessReview)],
    ['authorization.k8s.io/localsubjectaccessreviews', access(LocalSubjectAccessReview)],
    [
      'authorization.k8s.io/selfsubjectaccessreviews',
      async call => {
        checkAnswerable(call)
        const review = readObject(call, SelfSubjectAccessReview)
        const spec: SubjectAccessReviewSpec = review['spec'] ?? {}
        const errors = [...checkAccessSpec(spec), ...checkNoMetadata(call, review)]
        if (errors.length) throw invalidError(nameless(SelfSubjectAccessReview), '', errors)
        return answer(call, review, await answerAccess(parts.authorizer, call.user, spec))
      },
    ],
    [
      'authorization.k8s.io/selfsubjectrulesreviews',
      async call => {
        checkAnswerable(call)
        const review = readObject(call, SelfSubjectRulesReview)
        const status = rulesStatus(parts, call.user, review['spec']?.namespace ?? '')
        return answer(call, { ...review, metadata: {} as AnyObject['metadata'], spec: {} }, status)
      },
    ],
    [
      'authentication.k8s.io/selfsubjectreviews',
      async call => {
        checkAnswerable(call)
        const review = readObject(call, SelfSubjectReview)
        const metadata = { creationTimestamp: timestamp(call.core.clock) } as AnyObject['metadata']
        return answer(call, { ...review, metadata }, { userInfo: userInfo(call.user) })
      },
    ],
    [
      'authentication.k8s.io/tokenreviews',
      async call => {
        checkAnswerable(call)
        const review = readObject(call, TokenReview)
        return answer(call, review, await reviewToken(parts, call, review))
      },
    ],
  ]
  return new Map(creators.map(([name, create]) => [name, { create }]))
}

/** A review in a namespace is about that namespace. */
function checkLocal({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec, namespace: string) {
  const errors: FieldError[] = []
  if (resourceAttributes && resourceAttributes.namespace !== namespace)
    errors.push(
      invalid('spec.resourceAttributes.namespace', resourceAttributes.namespace ?? '', 'must match metadata.namespace'),
    )
  if (nonResourceAttributes) errors.push(invalidPath(nonResourceAttributes, 'disallowed on this kind of request'))
  return errors
}

/** What somebody may do, as far as rules tell. */
function rulesStatus(parts: ReviewParts, user: UserInfo, namespace: string): object {
  if (namespace === '') throw badRequest('no namespace on request')
  const { rules, beyond } = parts.authorizer.allRulesOf(user, namespace)
  const all: PolicyRule[] = user.groups.includes(mastersGroup) ? [...everything, ...rules] : rules
  const resourceRules = []
  const nonResourceRules = []
  for (const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } of all) {
    if (nonResourceURLs?.length) nonResourceRules.push({ verbs, nonResourceURLs })
    if (resources?.length)
      resourceRules.push({ verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) })
  }
  const evaluationError = beyond.length > 1 ? `[${beyond.join(', ')}]` : beyond[0]
  return {
    ...{ resourceRules: once(resourceRules), nonResourceRules: once(nonResourceRules), incomplete: beyond.length > 0 },
    ...(evaluationError ? { evaluationError } : {}),
  }
}

/** What is granted in several ways is said once. */
const once = <Rule extends object>(rules: Rule[]): Rule[] => [
  ...new Map(rules.map(rule => [JSON.stringify(rule), rule])).values(),
]

async function reviewToken(parts: ReviewParts, call: ResourceCall, review: AnyObject): Promise<object> {
  const token: string = review['spec']?.token ?? ''
  if (token === '') throw badRequest('token is required for TokenReview in authentication')
  const wanted: string[] = review['spec']?.audiences ?? []
  const issuer = parts.tokens
  if (issuer) {
    const verified = await issuer.verify(token, wanted.length ? wanted : issuer.audiences)
    if (verified) return { authenticated: true, user: userInfo(verified.user), audiences: verified.audiences }
  }
  const request: ApiRequest = {
    method: 'GET',
    url: '/',
    headers: { authorization: `Bearer ${token}` },
    signal: call.request.signal,
  }
  const audiences = issuer?.audiences.filter(audience => wanted.length === 0 || wanted.includes(audience))
  const forThisApi = wanted.length === 0 || Boolean(audiences?.length)
  for (const authenticator of forThisApi ? parts.authenticators : []) {
    const user = await authenticator.authenticate(request)
    if (user) return { authenticated: true, user: userInfo(user), ...(audiences ? { audiences } : {}) }
  }
  return { user: {}, error: 'invalid bearer token' }
}

function userInfo(user: UserInfo): object {
  return {
    username: user.username,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: user.groups,
    ...(user.extra ? { extra: user.extra } : {}),
  }
}

/** Kubernetes names the group of a refused review, and not its kind. */
const nameless = (kind: { group: string; plural: string; scope: string }) => ({ ...kind, kind: '' })

/** A question has no name: nothing is stored. */
function checkNoMetadata(call: ResourceCall, { metadata }: AnyObject): FieldError[] {
  const { managedFields: _, namespace: _namespace, creationTimestamp, ...rest } = metadata
  const given = creationTimestamp ? { ...rest, creationTimestamp } : rest
  if (!Object.keys(given).length) return []
  return [invalid('metadata', metadata, `must be empty${call.resource.namespaced ? ' except for namespace' : ''}`)]
}

function answer(call: ResourceCall, review: AnyObject, status: object): ApiReply {
  const { kind, apiVersion, metadata: given, ...rest } = review
  const { namespace: _, ...metadata } = given
  const { namespace } = call.path
  const reply = {
    kind,
    apiVersion,
    metadata: { ...(namespace ? { namespace } : {}), creationTimestamp: null, ...metadata },
    ...rest,
  } as AnyObject
  // Who asks owns the question, as of anything that is created.
  void trackPlainWrite(call.core, call.resource.kind, fieldManager(call))(reply, undefined)
  reply['status'] = status
  return valueReply(call, 201, reply)
}

/** Before anything is asked: an answer that the client cannot read needs no question. */
function checkAnswerable(call: ResourceCall): void {
  acceptedForm(call.request.headers['accept'], { protobuf: true })
}
