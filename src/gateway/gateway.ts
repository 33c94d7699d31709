import type { Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { Random } from '../base/random.ts'
import type { ListenWeb } from '../base/web-server.ts'
import type { Client, Informer, InformerSet } from '../client/index.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { EndpointSlice, Ingress, IngressClass, Namespace, RoutePolicy, Secret, Service } from '../models/kinds/index.ts'
import type { Draft, KubeObject } from '../models/object.ts'
import type { GatewayMetrics } from './accounts.ts'
import { challengeAnswer, challengePath, challengeType } from './acme/challenge-secret.ts'
import { type Address, Entrances } from './entrances.ts'
import {
  ensureDefinitions,
  GatewayClass,
  Gateway as GatewayKind,
  GRPCRoute,
  gatewayDefinitions,
  HTTPRoute,
  ReferenceGrant,
  TLSRoute,
} from './kinds/index.ts'
import { type Attachments, attach } from './plan/attachments.ts'
import { isServedGateway } from './plan/gateways.ts'
import { gatewayController, planIngresses } from './plan/ingress-plan.ts'
import { type Policies, planPolicies } from './plan/policies.ts'
import { tableOf } from './plan/table.ts'
import { GatewayProxy } from './proxy.ts'
import type { Certificate } from './routing-table.ts'

export interface GatewayOptions {
  plain: Address
  /** Without it no https. */
  secure?: Address
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  client: Client
  informers: InformerSet
  listen: ListenWeb
  net: Net
  clock: Clock
  random: Random
  log: Logger
  metrics?: GatewayMetrics
  /** Who else has a port of this machine, so that no Gateway gets it. */
  portTaken?: (port: number) => string | undefined
}

export interface Gateway extends AsyncDisposable {
  port: number
  securePort: number | undefined
  /** Resolves when the Ingresses known at the call are in force. */
  ready(signal?: AbortSignal): Promise<void>
  /** Makes the API serve the kinds of Gateway API, and resolves when the routes known at the call are in force. */
  routesReady(signal?: AbortSignal): Promise<void>
}

/** The class that the gateway serves; the default one unless somebody says otherwise. */
export const ingressClassName = 'optiflow'
const gatherMs = 20
const noRoutes: Attachments = { listeners: [], routes: [] }

/**
 * Leads HTTP traffic from outside to workloads, by Ingress and Gateway API. Listens at once; until the first routes are
 * there every request gets 404. @throws GatewayFailed
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { informers, clock, client, log } = options
  let securePort: number | undefined
  const challenges = informers.for(Secret, { fieldSelector: `type=${challengeType}` })
  const proxy = new GatewayProxy({
    ...options,
    securePort: () => securePort,
    answerAt: path => (path.startsWith(challengePath) ? challengeAnswer(challenges.list(), path) : undefined),
  })
  const entrances = new Entrances({ ...options, proxy })
  const stop = new AbortController()
  const ends: (() => void)[] = []
  try {
    await entrances.fix(80, options.plain, false)
    if (options.secure) await entrances.fix(443, options.secure, true)
    securePort = entrances.realPort(443)
  } catch (error) {
    await entrances[Symbol.asyncDispose]()
    throw error
  }

  const ingresses = informers.for(Ingress)
  const classes = informers.for(IngressClass)
  const services = informers.for(Service)
  const slices = informers.for(EndpointSlice)
  const certificates = informers.for(Secret, { fieldSelector: 'type=kubernetes.io/tls' })
  const passwords = informers.for(Secret, { fieldSelector: 'type=kubernetes.io/basic-auth' })
  const policies = informers.for(RoutePolicy)
  slices.addIndex('service', slice => {
    const service = slice.metadata.labels?.['kubernetes.io/service-name']
    return service ? [`${slice.metadata.namespace}/${service}`] : []
  })
  const all: Informer<any>[] = [ingresses, classes, services, slices, certificates, passwords, policies, challenges]
  let routes: ((policies: Policies) => Attachments) | undefined

  const found = {
    service: (namespace: string, name: string) => services.get({ namespace, name }),
    slices: (namespace: string, service: string) => slices.byIndex('service', `${namespace}/${service}`),
    secret: (namespace: string, name: string) =>
      certificates.get({ namespace, name }) ?? passwords.get({ namespace, name }),
  }
  const plan = async () => {
    if (!all.every(informer => informer.synced)) return
    const inForce = planPolicies({ ...found, policies: policies.list() })
    const planned = planIngresses({
      ...{ ...found, ingresses: ingresses.list(), classes: classes.list(), policies: inForce },
    })
    proxy.table = tableOf(planned, routes?.(inForce) ?? noRoutes)
    const more = [...proxy.table.ports].filter(([port]) => port !== 80 && port !== 443)
    await entrances.want(options.plain.host, new Map(more.map(([port, { secure }]) => [port, secure])))
  }
  let scheduled = false
  const changed = () => {
    if (scheduled || stop.signal.aborted) return
    scheduled = true
    clock.schedule(gatherMs, () => {
      scheduled = false
      if (!stop.signal.aborted) void plan()
    })
  }
  const follow = (followed: readonly Informer<any>[]) => {
    for (const informer of followed) ends.push(informer.subscribe(handlerOf(changed)))
  }
  follow(all)

  return {
    port: entrances.realPort(80)!,
    securePort,
    async ready(signal) {
      await make(client, IngressClass, {
        metadata: {
          name: ingressClassName,
          annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' },
        },
        spec: { controller: gatewayController },
      } as Draft<IngressClass>)
      await Promise.all(all.map(informer => informer.ready(signal)))
      await plan()
    },
    async routesReady(signal) {
      await ensureDefinitions(client, gatewayDefinitions)
      signal?.throwIfAborted()
      await make(client, GatewayClass, {
        metadata: { name: ingressClassName },
        spec: { controllerName: gatewayController, description: 'The gateway of OptiFlow' },
      })
      const kinds = {
        classes: informers.for(GatewayClass),
        gateways: informers.for(GatewayKind),
        httpRoutes: informers.for(HTTPRoute),
        grpcRoutes: informers.for(GRPCRoute),
        tlsRoutes: informers.for(TLSRoute),
        grants: informers.for(ReferenceGrant),
        namespaces: informers.for(Namespace),
      }
      const more = Object.values(kinds) as Informer<any>[]
      await Promise.all(more.map(informer => informer.ready(signal)))
      routes = policies => {
        const served = kinds.gateways.list().filter(gateway => isServedGateway(gateway, kinds.classes.list()))
        return attach({
          ...found,
          gateways: served,
          httpRoutes: kinds.httpRoutes.list(),
          grpcRoutes: kinds.grpcRoutes.list(),
          tlsRoutes: kinds.tlsRoutes.list(),
          grants: kinds.grants.list(),
          namespace: name => kinds.namespaces.get({ name }),
          policies,
          portTaken: options.portTaken ?? (() => undefined),
        })
      }
      follow(more)
      await plan()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const end of ends) end()
      await entrances[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]().catch(error => log.debug({ error: explain(error) }, 'connections cut'))
    },
  }
}

const handlerOf = (changed: () => void) => ({ added: changed, updated: changed, deleted: changed })

/** A class is made once; what became of it since is its owner's affair. */
async function make<T extends KubeObject>(client: Client, kind: Kind<T>, draft: Draft<T>): Promise<void> {
  try {
    await client.create(kind, draft)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
