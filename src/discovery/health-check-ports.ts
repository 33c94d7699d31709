import { explain } from '../base/errors.ts'
import type { HttpAnswer, HttpListener, ListenHttp } from '../base/http-listener.ts'
import type { Logger } from '../base/logger.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'

/** What load balancers outside ask a node about one Service. */
export interface CheckedService {
  namespace: string
  name: string
  /** Ready ones on this node. */
  localEndpoints: number
}

/** By port: the Services whose load balancer may send only to nodes that have an endpoint. */
export function checkedServices(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  nodeName: string,
): Map<number, CheckedService> {
  const out = new Map<number, CheckedService>()
  const checked = services.filter(({ spec }) => {
    const { healthCheckNodePort, type, externalTrafficPolicy } = spec
    return healthCheckNodePort && type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
  })
  if (!checked.length) return out
  const local = localAddresses(slices, nodeName)
  for (const { metadata, spec } of checked) {
    const { name } = metadata
    const namespace = metadata.namespace!
    const localEndpoints = local.get(`${namespace}/${name}`)?.size ?? 0
    out.set(spec.healthCheckNodePort!, { namespace, name, localEndpoints })
  }
  return out
}

/** `namespace/service` → addresses of its ready endpoints on this node: one walk over the slices, however many Services ask. */
function localAddresses(slices: readonly EndpointSlice[], nodeName: string): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>()
  for (const { metadata, endpoints } of slices) {
    const key = `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`
    for (const { nodeName: node, conditions, addresses } of endpoints ?? []) {
      if (node !== nodeName || conditions?.ready === false) continue
      const known = out.get(key) ?? new Set()
      for (const address of addresses) known.add(address)
      out.set(key, known)
    }
  }
  return out
}

/** Answers at a Service's health check node port: 200 while this node has an endpoint of it, else 503. */
export class HealthCheckPorts implements AsyncDisposable {
  readonly #listen: ListenHttp
  readonly #log: Logger
  readonly #open = new Map<number, HttpListener>()
  #wanted: ReadonlyMap<number, CheckedService> = new Map()
  #changing: Promise<void> = Promise.resolve()

  constructor(listen: ListenHttp, log: Logger) {
    this.#listen = listen
    this.#log = log
  }

  /** A port that cannot be had is tried again at the next call. */
  follow(wanted: ReadonlyMap<number, CheckedService>): Promise<void> {
    this.#wanted = wanted
    this.#changing = this.#changing.then(() => this.#change())
    return this.#changing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.follow(new Map())
  }

  async #change(): Promise<void> {
    for (const [port, listener] of this.#open) {
      if (this.#wanted.has(port)) continue
      this.#open.delete(port)
      await listener.close()
    }
    for (const [port, { namespace, name }] of this.#wanted) {
      if (this.#open.has(port)) continue
      try {
        this.#open.set(port, await this.#listen('0.0.0.0', port, async () => this.#answer(port)))
      } catch (error) {
        const service = `${namespace}/${name}`
        this.#log.warn({ service, port, error: explain(error) }, 'the health check port of a Service cannot be had')
      }
    }
  }

  #answer(port: number): HttpAnswer {
    const { namespace, name, localEndpoints = 0 } = this.#wanted.get(port) ?? {}
    return {
      status: localEndpoints ? 200 : 503,
      headers: {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
      },
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true }),
    }
  }
}
