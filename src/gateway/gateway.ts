import type { Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Client, Informer, InformerSet } from '../client/index.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import {
  EndpointSlice,
  Ingress,
  IngressClass,
  Namespace,
  Pod,
  RoutePolicy,
  Secret,
  Service,
} from '../models/kinds/index.ts'
import type { Draft, KubeObject } from '../models/object.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { challengeAnswers, challengeType } from './acme/challenge-secret.ts'
import type { AskedPorts } from './asked-ports.ts'
import type { DataPlane, Doors } from './data-plane.ts'
import {
  ensureDefinitions,
  GatewayClass,
  Gateway as GatewayKind,
  GRPCRoute,
  gatewayDefinitions,
  HTTPRoute,
  ReferenceGrant,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from './kinds/index.ts'
import { type Attachments, attach } from './plan/attachments.ts'
import type { Engine } from './plan/engine.ts'
import { isServedGateway } from './plan/gateways.ts'
import { hasHostPorts, missingPorts, type PortTaken } from './plan/held-ports.ts'
import { gatewayController, planIngresses } from './plan/ingress-plan.ts'
import { type Policies, planPolicies } from './plan/policies.ts'
import { tableOf } from './plan/table.ts'

export interface GatewayOptions {
  doors: Doors
  /** Carries the requests; it goes with the gateway. */
  plane: DataPlane
  engine: Engine
  client: Client
  informers: InformerSet
  clock: Clock
  log: Logger
  /** Who else has a port of this machine, so that no Gateway gets it. */
  portTaken?: PortTaken
  /** Told which ports are asked for, and which of them in vain. */
  asked?: AskedPorts
  /** The node of this machine, whose pods may have ports of it. */
  nodeName?: string
}

export interface Gateway extends AsyncDisposable {
  /** Where port 80 is really served now; undefined: nowhere. */
  readonly port: number | undefined
  readonly securePort: number | undefined
  /** Resolves when the Ingresses known at the call are in force. */
  ready(signal?: AbortSignal): Promise<void>
  /** Makes the API serve the kinds of Gateway API, and resolves when the routes known at the call are in force. */
  routesReady(signal?: AbortSignal): Promise<void>
}

/** The class that the gateway serves; the default one unless somebody says otherwise. */
export const ingressClassName = 'optiflow'
const gatherMs = 20
/** A port that cannot be had is tried again so often. */
const missingAgainMs = 5_000
const noRoutes: Attachments = { listeners: [], routes: [] }

/**
 * Leads HTTP traffic from outside to workloads, by Ingress and Gateway API. Where doors are held it listens at once; until the
 * first routes are there every request gets 404. @throws GatewayFailed
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { informers, clock, client, log, plane, engine } = options
  const challenges = informers.for(Secret, { fieldSelector: `type=${challengeType}` })
  const stop = new AbortController()
  const ends: (() => void)[] = []
  try {
    await plane.open(options.doors)
  } catch (error) {
    await plane[Symbol.asyncDispose]()
    throw error
  }

  const ingresses = informers.for(Ingress)
  const classes = informers.for(IngressClass)
  const services = informers.for(Service)
  const slices = informers.for(EndpointSlice)
  const certificates = informers.for(Secret, { fieldSelector: 'type=kubernetes.io/tls' })
  const passwords = informers.for(Secret, { fieldSelector: 'type=kubernetes.io/basic-auth' })
  const policies = informers.for(RoutePolicy)
  const pods = options.nodeName ? informers.for(Pod, { fieldSelector: `spec.nodeName=${options.nodeName}` }) : undefined
  slices.addIndex('service', slice => {
    const service = slice.metadata.labels?.[serviceNameLabel]
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
  let tryingAgain = false
  const plan = async () => {
    if (!all.every(informer => informer.synced)) return
    const inForce = planPolicies({ ...found, policies: policies.list(), engine })
    const planned = planIngresses({
      ...{ ...found, ingresses: ingresses.list(), classes: classes.list(), policies: inForce, engine },
    })
    const answers = challengeAnswers(challenges.list())
    const table = tableOf(planned, routes?.(inForce) ?? noRoutes, answers.size > 0)
    await plane.serve(table, answers)
    const asked = [...table.ports.keys()]
    const taken = options.portTaken?.(services.list())
    options.asked?.tell(asked, missingPorts({ asked, missing: plane.missing, pods: pods?.list() ?? [], taken }))
    if (plane.missing.size && !tryingAgain) {
      tryingAgain = true
      clock.schedule(missingAgainMs, () => {
        tryingAgain = false
        changed()
      })
    }
  }
  let scheduled = false
  const changed = () => {
    if (scheduled || stop.signal.aborted) return
    scheduled = true
    clock.schedule(gatherMs, () => {
      scheduled = false
      if (!stop.signal.aborted)
        plan().catch(error => log.error({ error: explain(error) }, 'the routes could not be brought into force'))
    })
  }
  const follow = (followed: readonly Informer<any>[]) => {
    for (const informer of followed) ends.push(informer.subscribe(handlerOf(changed)))
  }
  follow(all)
  const moved = (pod: Pod) => void (hasHostPorts(pod) && changed())
  if (pods) ends.push(pods.subscribe({ added: moved, updated: moved, deleted: moved }))

  return {
    get port() {
      return plane.realPort(80)
    },
    get securePort() {
      return plane.realPort(443)
    },
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
      const away = await ensureDefinitions(client, gatewayDefinitions)
      signal?.throwIfAborted()
      for (const kind of away)
        log.warn({ kind }, 'the definition that is there does not serve v1: such routes are not served')
      const ofRoutes = <T extends KubeObject>(kind: Kind<T>) => (away.has(kind.kind) ? undefined : informers.for(kind))
      await make(client, GatewayClass, {
        metadata: { name: ingressClassName },
        spec: { controllerName: gatewayController, description: 'The gateway of OptiFlow' },
      })
      const kinds = {
        classes: informers.for(GatewayClass),
        gateways: informers.for(GatewayKind),
        httpRoutes: ofRoutes(HTTPRoute),
        grpcRoutes: ofRoutes(GRPCRoute),
        tlsRoutes: ofRoutes(TLSRoute),
        tcpRoutes: ofRoutes(TCPRoute),
        udpRoutes: ofRoutes(UDPRoute),
        grants: informers.for(ReferenceGrant),
        namespaces: informers.for(Namespace),
      }
      const more = Object.values<Informer<any> | undefined>(kinds).filter(informer => informer !== undefined)
      await Promise.all(more.map(informer => informer.ready(signal)))
      routes = policies => {
        const served = kinds.gateways.list().filter(gateway => isServedGateway(gateway, kinds.classes.list()))
        return attach({
          ...found,
          gateways: served,
          httpRoutes: kinds.httpRoutes?.list() ?? [],
          grpcRoutes: kinds.grpcRoutes?.list() ?? [],
          tlsRoutes: kinds.tlsRoutes?.list() ?? [],
          tcpRoutes: kinds.tcpRoutes?.list() ?? [],
          udpRoutes: kinds.udpRoutes?.list() ?? [],
          grants: kinds.grants.list(),
          namespace: name => kinds.namespaces.get({ name }),
          policies,
          engine,
          portTaken: options.portTaken?.(services.list()) ?? (() => undefined),
        })
      }
      follow(more)
      await plan()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const end of ends) end()
      await plane[Symbol.asyncDispose]()
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
