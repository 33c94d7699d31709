import type { Clock } from '../base/clock.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { ListenWeb, WebServer } from '../base/web-server.ts'
import type { Client, Informer, InformerSet } from '../client/index.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { EndpointSlice, Ingress, IngressClass, Secret, Service } from '../models/kinds/index.ts'
import { gatewayController, planIngresses } from './ingress-plan.ts'
import { GatewayProxy } from './proxy.ts'
import { type Certificate, certificateOf } from './routing-table.ts'

export interface Address {
  host: string
  /** 0: any free one. */
  port: number
}

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
  log: Logger
}

export interface Gateway extends AsyncDisposable {
  port: number
  securePort: number | undefined
  /** Resolves when the routes of everything known at the call are in force. */
  ready(signal?: AbortSignal): Promise<void>
}

/** The gateway cannot listen. */
export class GatewayFailed extends OptiFlowError {}

/** The class that the gateway serves; the default one unless somebody says otherwise. */
export const ingressClassName = 'optiflow'
const gatherMs = 20
/** What requests under way get at the end. */
const graceMs = 5_000

/**
 * Leads HTTP traffic from outside to workloads, by Ingress. Listens at once; until the first routes are there every
 * request gets 404. @throws GatewayFailed
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { informers, clock, log, client } = options
  let secure: WebServer | undefined
  const proxy = new GatewayProxy({ ...options, securePort: () => secure?.port })
  const stop = new AbortController()
  const ends: (() => void)[] = []
  let scheduled = false

  const listen = async ({ host, port }: Address, isSecure: boolean): Promise<WebServer> => {
    const failed = (error: unknown) => log.warn({ error: explain(error) }, 'request failed')
    try {
      return await options.listen({
        host,
        port,
        ...(isSecure ? { tls: { certificateFor: n => certificateOf(proxy.table, n) ?? options.ownCertificate } } : {}),
        onRequest: (request, response) => void proxy.serve(request, response, isSecure).catch(failed),
        onUpgrade: (request, socket, head) => void proxy.upgrade(request, socket, head, isSecure).catch(failed),
      })
    } catch (cause) {
      throw new GatewayFailed(`the gateway cannot listen on ${host}:${port}`, {
        cause,
        hint: `Stop what listens there, or choose other addresses: --gateway ${host}:8080,${host}:8443 (or off).`,
      })
    }
  }

  const plain = await listen(options.plain, false)
  try {
    if (options.secure) secure = await listen(options.secure, true)
  } catch (error) {
    await plain.close(0)
    throw error
  }

  const ingresses = informers.for(Ingress)
  const classes = informers.for(IngressClass)
  const services = informers.for(Service)
  const slices = informers.for(EndpointSlice)
  const secrets = informers.for(Secret, { fieldSelector: 'type=kubernetes.io/tls' })
  slices.addIndex('service', slice => {
    const service = slice.metadata.labels?.['kubernetes.io/service-name']
    return service ? [`${slice.metadata.namespace}/${service}`] : []
  })
  const all: Informer<any>[] = [ingresses, classes, services, slices, secrets]

  const plan = () => {
    if (!all.every(informer => informer.synced)) return
    proxy.table = planIngresses({
      ingresses: ingresses.list(),
      classes: classes.list(),
      service: (namespace, name) => services.get({ namespace, name }),
      slices: (namespace, service) => slices.byIndex('service', `${namespace}/${service}`),
      secret: (namespace, name) => secrets.get({ namespace, name }),
    })
  }
  const changed = () => {
    if (scheduled || stop.signal.aborted) return
    scheduled = true
    clock.schedule(gatherMs, () => {
      scheduled = false
      if (!stop.signal.aborted) plan()
    })
  }
  for (const informer of all) ends.push(informer.subscribe(handlerOf(changed)))

  return {
    port: plain.port,
    securePort: secure?.port,
    async ready(signal) {
      await ensureClass(client)
      await Promise.all(all.map(informer => informer.ready(signal)))
      plan()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const end of ends) end()
      await Promise.all([plain.close(graceMs), secure?.close(graceMs)])
      await proxy[Symbol.asyncDispose]()
    },
  }
}

const handlerOf = (changed: () => void) => ({ added: changed, updated: changed, deleted: changed })

/** The class of the gateway is made once; what became of it since is its owner's affair. */
async function ensureClass(client: Client): Promise<void> {
  try {
    await client.create(IngressClass, {
      metadata: {
        name: ingressClassName,
        annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' },
      },
      spec: { controller: gatewayController },
    } as any)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
