import { timeText } from '../../base/clock.ts'
import { badRequest, conflictError, invalidError, notFoundError } from '../../models/api-error.ts'
import { invalid } from '../../models/field-error.ts'
import type { Kind } from '../../models/kind.ts'
import { Node, Pod, Secret, ServiceAccount, TokenRequest } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ServiceAccountTokens, TokenSubject } from '../authn/service-account-tokens.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, Core } from '../core.ts'
import { applyDefaults } from '../model-engine.ts'
import { admitRequest, askedBy } from '../objects/admit-request.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { acceptedForm } from '../replies/accept.ts'
import { valueReply } from '../replies/object-form.ts'
import { fieldManager, isDryRun } from '../verbs/write-options.ts'

const minSeconds = 600
const defaultSeconds = 3600
const maxSeconds = 2 ** 32
/** What the volumes that admission adds to pods ask for. */
const projectedSeconds = 3607
const extendedSeconds = 365 * 86_400
const bindable: Record<string, Kind<any>> = { Pod, Secret, Node }

interface BoundReference {
  kind?: string
  apiVersion?: string
  name?: string
  uid?: string
}

/** POST serviceaccounts/NAME/token: a token for the account, bound to an object if one is named. */
export function tokenCreator(tokens: ServiceAccountTokens): CallHandler {
  return async call => {
    const { core, path } = call
    acceptedForm(call.request.headers['accept'], { protobuf: true })
    const [namespace, name] = [path.namespace!, path.name!]
    const request = readObject(call, TokenRequest)
    checkPlace(request, namespace, name)
    const spec = (request['spec'] ??= {})
    applyDefaults(TokenRequest, request)
    // Who asks owns the question, as of anything that is created.
    void trackPlainWrite(core, TokenRequest, fieldManager(call), 'token')(request, undefined)
    if (!spec.audiences?.length) spec.audiences = [...tokens.audiences]
    spec.expirationSeconds ??= defaultSeconds
    checkSeconds(spec.expirationSeconds)
    // A node hears what it may not ask for before it hears whether there is such an account.
    await admitRequest(askedBy(call), call.resource, 'token', name, request)
    const kept = core.cache.get(core.resources.of(ServiceAccount), namespace, name)
    if (!kept) throw notFoundError(ServiceAccount, name)
    const uid = core.shared(kept).metadata.uid!
    const subject: TokenSubject = { namespace, name, uid, ...binding(core, namespace, name, spec.boundObjectRef) }
    const seconds: number = spec.expirationSeconds
    // Programs that read their token once and for all get a year to learn; their agent renews it hourly all the same.
    const extended =
      subject.bound?.kind === 'Pod' &&
      seconds === projectedSeconds &&
      spec.audiences.every((one: string) => tokens.audiences.includes(one))
    const issued = isDryRun(call)
      ? { token: '' }
      : await (extended
          ? tokens.issue(subject, spec.audiences, extendedSeconds, seconds)
          : tokens.issue(subject, spec.audiences, seconds))
    const nowMs = core.clock.now()
    const answer = {
      ...request,
      metadata: { ...request.metadata, name, namespace, creationTimestamp: timeText(nowMs) },
      spec: { ...spec, boundObjectRef: spec.boundObjectRef ?? null },
      status: { token: issued.token, expirationTimestamp: timeText(nowMs + seconds * 1000) },
    }
    return valueReply(call, 201, answer)
  }
}

function checkPlace({ metadata }: AnyObject, namespace: string, name: string): void {
  if (metadata.name && metadata.name !== name)
    throw invalidError(TokenRequest, name, [
      invalid('metadata.name', metadata.name, 'must match the service account name if specified'),
    ])
  if (metadata.namespace && metadata.namespace !== namespace)
    throw invalidError(TokenRequest, name, [
      invalid('metadata.namespace', metadata.namespace, 'must match the service account namespace if specified'),
    ])
}

function checkSeconds(seconds: number): void {
  const why =
    seconds < minSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maxSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined
  if (why) throw invalidError(TokenRequest, '', [invalid('spec.expirationSeconds', seconds, why)])
}

function binding(
  core: Core,
  namespace: string,
  account: string,
  ref: BoundReference | undefined,
): Pick<TokenSubject, 'bound' | 'node'> {
  if (!ref) return {}
  const kind = Object.hasOwn(bindable, ref.kind ?? '') ? bindable[ref.kind!] : undefined
  if (!kind || (ref.apiVersion && ref.apiVersion !== 'v1'))
    throw badRequest(`cannot bind token to object of type ${ref.apiVersion ?? ''}, Kind=${ref.kind ?? ''}`)
  const name = ref.name ?? ''
  const kept = core.cache.get(core.resources.of(kind), namespace, name)
  if (!kept) throw notFoundError(kind, name)
  const object = core.shared(kept)
  if (kind === Pod && object['spec']?.serviceAccountName !== account)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  const uid = object.metadata.uid!
  if (ref.uid && ref.uid !== uid)
    throw conflictError(
      { group: '', plural: ref.kind!, kind: ref.kind! },
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  const nodeName: string | undefined = kind === Pod ? object['spec']?.nodeName : undefined
  return { bound: { kind: ref.kind as 'Pod', name, uid }, ...(nodeName ? { node: nodeOf(core, nodeName) } : {}) }
}

function nodeOf(core: Core, name: string): { name: string; uid?: string } {
  const kept = core.cache.get(core.resources.of(Node), undefined, name)
  return kept ? { name, uid: core.shared(kept).metadata.uid! } : { name }
}
