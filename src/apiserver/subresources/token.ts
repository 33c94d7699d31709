import { ApiError, conflictError, invalidError, notFoundError } from '../../models/api-error.ts'
import { invalid } from '../../models/field-error.ts'
import type { Kind } from '../../models/kind.ts'
import { Node, Pod, Secret, ServiceAccount, TokenRequest } from '../../models/kinds/index.ts'
import type { ServiceAccountTokens, TokenSubject } from '../authn/service-account-tokens.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, Core } from '../core.ts'
import { applyDefaults } from '../model-engine.ts'
import { admitRequest } from '../objects/admit-request.ts'
import { acceptedForm } from '../replies/accept.ts'
import { valueReply } from '../replies/object-form.ts'
import { isDryRun } from '../verbs/write-options.ts'

const minSeconds = 600
const defaultSeconds = 3600
const maxSeconds = 2 ** 32
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
    acceptedForm(call.request.headers['accept'], [], true)
    const kept = core.cache.get(core.resources.of(ServiceAccount), path.namespace, path.name!)
    if (!kept) throw notFoundError(ServiceAccount, path.name!)
    const account = core.shared(kept)
    const request = readObject(call, TokenRequest)
    applyDefaults(TokenRequest, request)
    await admitRequest(call, call.resource, 'token', path.name!, request)
    const spec = (request['spec'] ??= {})
    const seconds: number = spec.expirationSeconds ?? defaultSeconds
    if (seconds < minSeconds || seconds > maxSeconds)
      throw invalidError(TokenRequest, path.name!, [
        invalid(
          'spec.expirationSeconds',
          seconds,
          seconds < minSeconds
            ? 'may not specify a duration less than 10 minutes'
            : 'may not specify a duration larger than 2^32 seconds',
        ),
      ])
    const audiences: string[] = spec.audiences?.length ? spec.audiences : [tokens.audience]
    const subject: TokenSubject = {
      namespace: path.namespace!,
      name: path.name!,
      uid: account.metadata.uid!,
      ...binding(core, path.namespace!, path.name!, spec.boundObjectRef),
    }
    const issued = isDryRun(call)
      ? { token: '', expiresMs: core.clock.now() + seconds * 1000 }
      : await tokens.issue(subject, audiences, seconds)
    const answer = {
      ...request,
      metadata: { ...request.metadata, name: path.name, namespace: path.namespace },
      spec: { ...spec, audiences, expirationSeconds: seconds },
      status: { token: issued.token, expirationTimestamp: `${new Date(issued.expiresMs).toISOString().slice(0, 19)}Z` },
    }
    return valueReply(call, 201, answer)
  }
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
    throw new ApiError(
      'BadRequest',
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to object ${ref.apiVersion ?? ''} ${ref.kind ?? ''}: only Pod, Secret and Node can be bound to`,
    )
  const name = ref.name ?? ''
  const kept = core.cache.get(core.resources.of(kind), namespace, name)
  if (!kept) throw notFoundError(kind, name)
  const object = core.shared(kept)
  const uid = object.metadata.uid!
  if (ref.uid && ref.uid !== uid)
    throw conflictError(
      kind,
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  if (kind === Pod && (object['spec']?.serviceAccountName ?? 'default') !== account)
    throw new ApiError(
      'BadRequest',
      `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`,
    )
  const nodeName: string | undefined = kind === Pod ? object['spec']?.nodeName : undefined
  const node = nodeName ? core.cache.get(core.resources.of(Node), undefined, nodeName) : undefined
  return {
    bound: { kind: ref.kind as 'Pod', name, uid },
    ...(node ? { node: { name: node.name, uid: core.shared(node).metadata.uid! } } : {}),
  }
}
