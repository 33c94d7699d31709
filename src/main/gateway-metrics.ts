import { Gauge, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../base/tallies.ts'
import type { GatewayMetrics } from '../gateway/index.ts'

const buckets = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What goes through the gateway. `route` is `HTTPRoute default/shop`, or empty where no route matched. */
export function gatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  const requests = new TallyCounter({
    ...{ name: 'optiflow_gateway_requests_total', help: 'Requests by route and by what the client got.', registers },
    labelNames: ['route', 'code'],
  })
  const durations = new TallyHistogram({
    ...{
      name: 'optiflow_gateway_request_duration_seconds',
      help: 'From a request to the end of its answer.',
      registers,
    },
    ...{ labelNames: ['route'], buckets },
  })
  const underWay = new Gauge({
    ...{ name: 'optiflow_gateway_requests_in_flight', help: 'Requests that have no whole answer yet.', registers },
  })
  const refusals = new TallyCounter({
    ...{ name: 'optiflow_gateway_refused_total', help: 'Requests that a policy did not let pass.', registers },
    labelNames: ['route', 'reason'],
  })
  const tries = new TallyCounter({
    ...{ name: 'optiflow_gateway_backend_tries_total', help: 'Requests to endpoints of a backend.', registers },
    labelNames: ['backend', 'outcome'],
  })
  return {
    began: () => underWay.inc(),
    ended(route, status, ms) {
      underWay.dec()
      requests.of({ route, code: String(status) }).inc()
      durations.of({ route }).observe(ms / 1_000)
    },
    refused: (route, reason) => refusals.of({ route, reason }).inc(),
    tried: (backend, outcome) => tries.of({ backend, outcome }).inc(),
  }
}
