import { explain } from '../base/errors.ts'
import {
  type Client,
  createInformers,
  createReconcilerRunner,
  type Reconciler,
  type ReconcilerRunner,
  type RunnerMetrics,
} from '../client/index.ts'
import {
  type AcmeSettings,
  type AskedPorts,
  AttachedOnce,
  acmeAuthority,
  type CertificateAuthority,
  certificateReconciler,
  type Engine,
  ensureDefinitions,
  gatewayClassStatusReconciler,
  gatewayDefinitions,
  gatewayStatusReconciler,
  grpcRouteStatusReconciler,
  httpRouteStatusReconciler,
  type PortTaken,
  routePolicyStatusReconciler,
  tcpRouteStatusReconciler,
  tlsRouteStatusReconciler,
  udpRouteStatusReconciler,
} from '../gateway/index.ts'
import type { OutsideWorld } from './outside.ts'

export interface GatewayStatusesOptions {
  client: Client
  outside: OutsideWorld
  /** Of the machine whose gateway serves. */
  addresses: readonly string[]
  /** Who has a port of that machine for something else. */
  portTaken: PortTaken
  /** What that machine does not give the gateway. */
  asked: AskedPorts
  /** Whom certificates are obtained from; undefined: nobody. */
  acme: AcmeSettings | undefined
  /** What carries the requests, and may not do all that is asked. */
  engine: Engine
  metrics?: RunnerMetrics
}

/** The reconcilers of what the gateway tells of itself. @param options.authority asked for certificates, unless given one that speaks ACME */
export function gatewayReconcilers({
  addresses,
  portTaken,
  engine,
  asked,
  acme,
  authority = acmeAuthority,
  away = new Set(),
}: Omit<GatewayStatusesOptions, 'client' | 'outside' | 'metrics'> & {
  authority?: () => Promise<CertificateAuthority>
  /** Names of kinds of routes that the API does not serve. */
  away?: ReadonlySet<string>
}): Reconciler[] {
  const attached = new AttachedOnce(portTaken, engine, asked, away)
  const all = [
    gatewayClassStatusReconciler(),
    gatewayStatusReconciler(addresses, attached),
    httpRouteStatusReconciler(attached),
    grpcRouteStatusReconciler(attached),
    tlsRouteStatusReconciler(attached),
    tcpRouteStatusReconciler(attached),
    udpRouteStatusReconciler(attached),
    routePolicyStatusReconciler(attached),
    certificateReconciler(acme, authority),
  ]
  return all.filter(({ primary }) => !away.has(primary.kind))
}

/**
 * What becomes of Gateways and routes is told in their status. Its reconcilers are not among the others: their kinds are
 * there only after a while, and nobody waits for them.
 */
export function startGatewayStatuses(options: GatewayStatusesOptions): AsyncDisposable {
  const { client, metrics } = options
  const { clock, random } = options.outside
  const log = options.outside.log.child({ part: 'gateway-statuses' })
  const informers = createInformers({ client, clock, random, log })
  let runner: ReconcilerRunner | undefined
  const stop = new AbortController()
  const started = (async () => {
    const away = await ensureDefinitions(client, gatewayDefinitions)
    if (stop.signal.aborted) return
    runner = createReconcilerRunner({
      ...{ client, informers, clock, random, log },
      reconcilers: gatewayReconcilers({ ...options, away }),
      ...(metrics ? { metrics } : {}),
    })
    await runner.start()
  })().catch(error => {
    if (!stop.signal.aborted) log.warn({ error: explain(error) }, 'statuses of Gateways are not told')
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all([informers[Symbol.asyncDispose](), started])
      await runner?.stop()
    },
  }
}
