import type { Clock } from '../base/clock.ts'
import { PluginRefused, PluginSocket } from './plugin-socket.ts'
import { kubeletProtocol } from './protocols.ts'

/** A ResourceClaim as drivers are told of it. */
export interface DraClaim {
  namespace: string
  uid: string
  name: string
}

/** A device that is ready for use. */
export interface DraDevice {
  /** Requests of the claim that it is for; empty: all. */
  request_names: string[]
  pool_name: string
  device_name: string
  cdi_device_ids: string[]
}

/**
 * The newest interface first. Its name differs between releases of Kubernetes whose messages are the same, and what a driver
 * registers does not tell them apart: the first that it does not answer with Unimplemented is the one.
 */
const services = ['k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin', 'v1beta1.DRAPlugin', 'v1alpha3.Node']
const callTimeoutMs = 45_000

/** A DRA driver at its socket. @throws PluginAway, PluginRefused */
export class DraPlugin implements Disposable {
  readonly #socket: PluginSocket
  #service: string | undefined

  constructor(socket: string, clock: Clock) {
    this.#socket = new PluginSocket(socket, clock)
  }

  /** By the claims' uids; a claim that failed has `error`. */
  async prepare(claims: readonly DraClaim[]): Promise<Record<string, { devices: DraDevice[]; error: string }>> {
    return (await this.#call<{ claims: any }>('NodePrepareResources', { claims })).claims
  }

  async unprepare(claims: readonly DraClaim[]): Promise<Record<string, { error: string }>> {
    return (await this.#call<{ claims: any }>('NodeUnprepareResources', { claims })).claims
  }

  async #call<T>(name: string, request: object): Promise<T> {
    const candidates = this.#service ? [this.#service] : services
    for (const [i, service] of candidates.entries())
      try {
        const reply = await this.#socket.call<T>(kubeletProtocol, service, name, request, callTimeoutMs)
        this.#service = service
        return reply
      } catch (error) {
        const next = i + 1 < candidates.length
        if (!next || !(error instanceof PluginRefused && error.unimplemented)) throw error
      }
    throw new Error('unreachable')
  }

  [Symbol.dispose]() {
    this.#socket[Symbol.dispose]()
  }
}
