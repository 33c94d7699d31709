import {
  type BackendReference,
  GRPCRoute,
  gatewayGroup,
  HTTPRoute,
  type ObjectReference,
  type ReferenceGrant,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../kinds/index.ts'
import type { Backend } from '../routing-table.ts'
import { type BackendInput, backendOf } from './backends.ts'

/** Who refers to something. */
export interface Referrer {
  kind: 'Gateway' | 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute'
  namespace: string
}

/** Why a reference leads nowhere, in Gateway API's words. */
export interface ReferenceProblem {
  reason: 'InvalidKind' | 'RefNotPermitted' | 'BackendNotFound' | 'InvalidCertificateRef' | 'UnsupportedProtocol'
  message: string
}

/** True if the object may be referred to: in the own namespace always, in another one if somebody there grants it. */
export function isPermitted(
  grants: readonly ReferenceGrant[],
  from: Referrer,
  to: { group: string; kind: string; namespace: string; name: string },
): boolean {
  if (to.namespace === from.namespace) return true
  return grants.some(
    ({ metadata, spec }) =>
      metadata.namespace === to.namespace &&
      spec.from.some(f => f.group === gatewayGroup && f.kind === from.kind && f.namespace === from.namespace) &&
      spec.to.some(t => t.group === to.group && t.kind === to.kind && (!t.name || t.name === to.name)),
  )
}

/** A backend as a route names it; with a problem it answers 500. */
export function resolveBackend(
  input: BackendInput & { grants: readonly ReferenceGrant[] },
  from: Referrer,
  reference: BackendReference,
): { backend: Backend; problem?: ReferenceProblem } {
  const { group, kind, namespace, name } = whole(reference, 'Service', from.namespace)
  const wrong = (reason: ReferenceProblem['reason'], message: string) => ({
    backend: { name: `${namespace}/${name}:${reference.port ?? '?'}`, endpoints: [], problem: message, wrong: true },
    problem: { reason, message },
  })
  if (group !== '' || kind !== 'Service')
    return wrong('InvalidKind', `backends are Services, not ${kind}${group ? `.${group}` : ''}`)
  if (!isPermitted(input.grants, from, { group, kind, namespace, name }))
    return wrong(
      'RefNotPermitted',
      `no ReferenceGrant in namespace "${namespace}" lets a ${from.kind} of namespace "${from.namespace}" refer to service "${name}"`,
    )
  const protocol = from.kind === 'UDPRoute' ? 'UDP' : 'TCP'
  const backend = backendOf(input, { namespace, service: name, port: reference.port, protocol })
  return backend.wrong ? { backend, problem: { reason: 'BackendNotFound', message: backend.problem! } } : { backend }
}

/** A reference with all that it leaves out. */
export function whole(reference: ObjectReference, kind: string, namespace: string): Required<ObjectReference> {
  return {
    group: reference.group ?? '',
    kind: reference.kind ?? kind,
    namespace: reference.namespace ?? namespace,
    name: reference.name,
  }
}

const requests = [HTTPRoute.kind, GRPCRoute.kind]
/** Kinds of routes that a listener takes, by its protocol. */
export const routeKinds: Readonly<Record<string, readonly string[]>> = {
  HTTP: requests,
  HTTPS: requests,
  TLS: [TLSRoute.kind],
  TCP: [TCPRoute.kind],
  UDP: [UDPRoute.kind],
}
