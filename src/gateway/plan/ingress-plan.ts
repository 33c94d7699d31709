import { byAge } from '../../models/age.ts'
import type { Ingress, IngressClass } from '../../models/kinds/index.ts'
import type { HTTPIngressPath, IngressBackend } from '../../models/types/networking-v1.ts'
import type { Policy } from '../policy/policy.ts'
import type { Backend, Certificate, PathMatch, Route, RouteAction } from '../routing-table.ts'
import { annotatedPolicy, redirectAnnotation } from './annotations.ts'
import { type BackendInput, backendOf, certificateIn } from './backends.ts'
import { sharedOut } from './canaries.ts'
import type { Engine } from './engine.ts'
import type { Policies } from './policies.ts'
import { mergedPolicy, policyOf } from './policy-of.ts'

/** What an IngressClass or GatewayClass names as its controller to be served here. */
export const gatewayController = 'optiflow.dev/gateway'
const oldClassAnnotation = 'kubernetes.io/ingress.class'
const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class'

export interface IngressInput extends BackendInput {
  ingresses: readonly Ingress[]
  classes: readonly IngressClass[]
  policies: Policies
  engine: Engine
}

/** Routes by host, for the ports of http and https alike. */
export interface IngressRoutes {
  hosts: Map<string, Route[]>
  certificates: Map<string, Certificate>
  /** What becomes of requests that no route matches. */
  fallback: RouteAction | undefined
}

/** True if the Ingress is ours to serve. */
export function isServed(ingress: Ingress, classes: readonly IngressClass[]): boolean {
  const named = ingress.spec.ingressClassName ?? ingress.metadata.annotations?.[oldClassAnnotation]
  const ours = classes.filter(c => c.spec?.controller === gatewayController)
  if (named !== undefined) return ours.some(c => c.metadata.name === named)
  return ours.some(c => c.metadata.annotations?.[defaultClassAnnotation] === 'true')
}

/**
 * The routes of all Ingresses that are served here. Where two say the same host and path, the older one wins. Pure.
 * @see https://kubernetes.io/docs/concepts/services-networking/ingress/
 */
export function planIngresses(input: IngressInput): IngressRoutes {
  const hosts = new Map<string, Route[]>()
  const certificates = new Map<string, Certificate>()
  let fallback: RouteAction | undefined
  for (const ingress of input.ingresses.filter(i => isServed(i, input.classes)).toSorted(byAge)) {
    const namespace = ingress.metadata.namespace!
    const { rules = [], tls = [], defaultBackend } = ingress.spec
    const secured = new Set(tls.flatMap(t => t.hosts ?? []))
    const about = { route: `Ingress ${namespace}/${ingress.metadata.name}`, ...policyFor(input, ingress) }
    const redirects = ingress.metadata.annotations?.[redirectAnnotation] !== 'false'
    for (const { hosts: names = [], secretName } of tls) {
      const certificate = secretName ? certificateIn(input.secret(namespace, secretName)) : undefined
      if (certificate)
        for (const name of names.length ? names : ['']) if (!certificates.has(name)) certificates.set(name, certificate)
    }
    for (const { host = '', http } of rules) {
      const list = hosts.get(host) ?? []
      hosts.set(host, list)
      for (const path of http?.paths ?? []) {
        const backend = resolve(input, namespace, path.backend)
        addRoute(list, {
          match: { path: pathOf(path), oneLabel: true },
          action: {
            ...about,
            backends: sharedOut([{ weight: 1, backend }]),
            redirectToTls: redirects && secured.has(host),
          },
        })
      }
    }
    if (defaultBackend)
      fallback ??= {
        ...about,
        backends: sharedOut([{ weight: 1, backend: resolve(input, namespace, defaultBackend) }]),
      }
  }
  return { hosts, certificates, fallback }
}

/** The annotations' policy and that of a RoutePolicy, which comes first where both say something. */
function policyFor(input: IngressInput, { metadata }: Ingress): { policy?: Policy } {
  const { namespace = '', name, annotations } = metadata
  const { words, broken } = annotatedPolicy(annotations)
  const id = `Ingress ${namespace}/${name}`
  const annotated = words && policyOf(input, { id, namespace, words }).policy
  const closed = broken ? { guards: [{ id, broken: 'an annotation is not understood' }] } : undefined
  const policy = mergedPolicy(mergedPolicy(annotated, closed), input.policies.of('Ingress', namespace, name))
  return policy ? { policy } : {}
}

function pathOf({ path = '/', pathType }: HTTPIngressPath): PathMatch {
  return pathType === 'Exact' ? { type: 'Exact', path } : { type: 'Prefix', path: path.replace(/\/+$/, '') }
}

function addRoute(list: Route[], route: Route): void {
  const { type, path } = route.match.path
  if (!list.some(r => r.match.path.type === type && r.match.path.path === path)) list.push(route)
}

/** An Ingress may come before its Service: whatever is missing may come at any moment. */
function resolve(input: IngressInput, namespace: string, { service, resource }: IngressBackend): Backend {
  if (resource || !service)
    return { name: `${namespace}/?`, endpoints: [], problem: 'only backends that are a service are served' }
  const { wrong: _, ...backend } = backendOf(input, {
    namespace,
    service: service.name,
    port: service.port?.name || service.port?.number,
  })
  return backend
}
