import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { keepAllRenewed } from '../base/certificate-rotation.ts'
import type { KeyPair } from '../base/certificates.ts'
import { explain } from '../base/errors.ts'
import { type Client, createInformers } from '../client/index.ts'
import {
  type AcmeSettings,
  type AskedPorts,
  type DataPlane,
  type Engine,
  embeddedEngine,
  type Gateway,
  HaproxyPlane,
  haproxyEngine,
  isUdpPlace,
  openGateway,
  type PortTaken,
  portAt,
  portsOfServices,
  ThreadedPlane,
} from '../gateway/index.ts'
import { gatewayMetrics } from './gateway-metrics.ts'
import type { OutsideWorld } from './outside.ts'
import type { Report } from './part.ts'
import type { Pki } from './pki.ts'
import { acmeDirectories } from './setting-readers.ts'
import type { Settings } from './settings.ts'

export interface GatewayPartOptions {
  settings: Settings
  /** Reads what routes are made of, TLS secrets too. */
  client: Client
  pki: Pki
  metrics: Registry
  /** Told which ports are asked for, and which of them in vain. */
  asked: AskedPorts
  outside: OutsideWorld
  report: Report
}

const usual: Exclude<Settings['gateway'], 'off' | undefined> = {
  plain: { host: '0.0.0.0', port: 80 },
  secure: { host: '0.0.0.0', port: 443 },
}

const wanted = (settings: Settings) => settings.gateway ?? (settings.runtime === 'containerd' ? usual : 'off')

/** What plans must know of the program that carries the requests. */
export const engineOf = ({ gatewayEngine }: Settings): Engine =>
  gatewayEngine === 'haproxy' ? haproxyEngine : embeddedEngine

function planeOf({ settings, metrics }: GatewayPartOptions, outside: OutsideWorld, ownCertificate: KeyPair): DataPlane {
  if (settings.gatewayEngine !== 'haproxy')
    return new ThreadedPlane({ ...outside, ownCertificate, metrics: gatewayMetrics(metrics) })
  const folder = join(settings.dataDir, 'gateway/haproxy')
  // Debian's package makes that user; without root its workers are who we are.
  const user = process.getuid?.() === 0 ? 'haproxy' : undefined
  return new HaproxyPlane({ ...outside, ownCertificate, folder, user })
}

const ownNames = { commonName: 'optiflow-gateway', dnsNames: ['localhost'] }

/** Replaces the gateway's own certificate in time, as it runs. @param first in use now. @returns ends that */
export function keepGatewayKey(
  pki: Pick<Pki, 'serving'>,
  plane: Pick<DataPlane, 'useOwnCertificate'>,
  first: KeyPair,
  { clock, random, log }: Pick<OutsideWorld, 'clock' | 'random' | 'log'>,
): () => void {
  let own = first
  const rotation = {
    certificate: 'gateway',
    current: () => own,
    async renew() {
      own = await pki.serving('gateway', ownNames, 'new')
      await plane.useOwnCertificate(own)
    },
  }
  return keepAllRenewed([{ ...rotation, clock, random, log }], 'the gateway stops')
}

/** True if a gateway is to be served here. */
export const isGatewayOn = (settings: Settings): boolean => wanted(settings) !== 'off'

/** Whom certificates are obtained from. To name either setting is to agree to the authority's terms. */
export function acmeOf({ acmeDirectory, acmeEmail }: Settings): AcmeSettings | undefined {
  if (acmeDirectory === undefined && acmeEmail === undefined) return undefined
  return { directoryUrl: acmeDirectory ?? acmeDirectories.letsencrypt, email: acmeEmail }
}

/** Who has a port of this machine that a Gateway may ask for. Those of the gateway itself are what it is for. */
export function portTaken(settings: Settings): PortTaken {
  const taken = reservedPorts({ ...settings, gateway: 'off' })
  const atNodes = settings.loadBalancer === 'nodes' && !settings.loadBalancerPool
  return services => {
    const held = portsOfServices(services, atNodes)
    return place => taken.get(`${isUdpPlace(place) ? 'udp' : 'tcp'}/${portAt(place)}`) ?? held.get(place)
  }
}

/** What answers at the nodes' own addresses, so that no Service of type LoadBalancer takes it: `tcp/443` → who. */
export function reservedPorts(settings: Settings): Map<string, string> {
  const ports = new Map([
    [`tcp/${settings.listen.port}`, 'the API server'],
    ['tcp/10250', 'the agent'],
    ['tcp/22', 'ssh'],
  ])
  // Ports that it has only while something asks for them are had by whoever was first: `AskedPorts`.
  const { gateway } = settings
  if (gateway && gateway !== 'off')
    for (const address of [gateway.plain, gateway.secure]) if (address) ports.set(`tcp/${address.port}`, 'the gateway')
  return ports
}

/**
 * The gateway on the addresses of the settings, which it holds then. Unless they name some it takes ports 80 and 443 where there
 * are real containers, only while somebody wants to be served there. @throws GatewayFailed when named addresses cannot be had
 */
export async function startGateway(options: GatewayPartOptions): Promise<AsyncDisposable | undefined> {
  const { settings, report, pki, client, asked } = options
  const addresses = wanted(settings)
  if (addresses === 'off') return undefined
  const outside = { ...options.outside, log: options.outside.log.child({ part: 'gateway' }) }
  report({ part: 'gateway', state: 'starting', detail: 'listening' })
  const informers = createInformers({ client, ...outside })
  let gateway: Gateway | undefined
  let letKeyBe = () => {}
  try {
    const ownCertificate = await pki.serving('gateway', ownNames)
    const plane = planeOf(options, outside, ownCertificate)
    letKeyBe = keepGatewayKey(pki, plane, ownCertificate, outside)
    gateway = await openGateway({
      ...{ client, informers, asked, portTaken: portTaken(settings), clock: outside.clock, log: outside.log },
      ...(settings.runtime === 'containerd' ? { nodeName: settings.nodeName } : {}),
      doors: { ...addresses, held: settings.gateway !== undefined },
      ...{ plane, engine: engineOf(settings) },
    })
    await gateway.ready()
  } catch (error) {
    letKeyBe()
    await gateway?.[Symbol.asyncDispose]()
    await informers[Symbol.asyncDispose]()
    report({ part: 'gateway', state: 'failed', detail: explain(error) })
    throw error
  }
  const ports = [`http :${gateway.port}`, ...(gateway.securePort ? [`https :${gateway.securePort}`] : [])]
  const where = settings.gateway ? ports.join(', ') : ':80 and :443 while they are wanted'
  report({ part: 'gateway', state: 'ready', detail: `${where}, for Ingress and Gateway API` })
  const opened = gateway
  const stop = new AbortController()
  // Nobody waits for it: the API has its definitions a moment later.
  opened.routesReady(stop.signal).catch(error => {
    if (!stop.signal.aborted) outside.log.warn({ error: explain(error) }, 'Gateways are not served')
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      letKeyBe()
      await opened[Symbol.asyncDispose]()
      await informers[Symbol.asyncDispose]()
    },
  }
}
