import type { Duplex } from 'node:stream'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { GatewayMetrics } from './accounts.ts'
import { hostPort } from './backend-client.ts'
import type { Balancer } from './balancer.ts'
import { join } from './joining.ts'
import type { Endpoint, Passthrough } from './routing-table.ts'
import type { Weights } from './weights.ts'

const connectMs = 3_000
/** Endpoints that a connection is tried on. */
const mostTries = 3

export interface PassingParts {
  weights: Weights
  balancer: Balancer
  metrics: GatewayMetrics
  net: Net
  log: Logger
}

/** Leads a connection to a backend of its route, or ends it. */
export async function passConnection(passthrough: Passthrough, socket: Duplex, parts: PassingParts): Promise<void> {
  const { weights, balancer, metrics, net, log } = parts
  socket.on('error', () => socket.destroy())
  const backend = weights.next(passthrough)?.backend
  const tried = new Set<Endpoint>()
  while (backend && tried.size < mostTries) {
    const endpoint = balancer.choose(backend, tried)
    if (!endpoint) break
    tried.add(endpoint)
    try {
      const other = await net.connect(endpoint.ip, endpoint.port, { timeoutMs: connectMs, halfOpen: true })
      metrics.tried(backend.name, 'answered')
      other.once('close', balancer.begin(endpoint))
      return join(socket, Buffer.of(), other, Buffer.of())
    } catch (error) {
      metrics.tried(backend.name, 'unreached')
      balancer.failed(endpoint)
      log.debug({ route: passthrough.route, endpoint: hostPort(endpoint), error: explain(error) }, 'not reached')
    }
  }
  log.warn({ route: passthrough.route, tried: [...tried].map(hostPort) }, 'nobody is there for a connection')
  socket.destroy()
}
