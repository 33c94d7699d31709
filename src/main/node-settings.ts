import type { AgentOptions, AgentServerOptions as AgentServerSettings, PlainPort } from '../agent/index.ts'
import { isIP } from '../base/ip.ts'
import { oneOf, readDuration, wholeNumber } from './setting-readers.ts'
import { readTlsSuites, readTlsVersion, type TlsVersion, tlsProtocol } from './tls-protocol.ts'

/** How a node behaves towards the server, registries and its machine, under kubelet's names. */
export interface NodeChoices {
  /** Whom pods ask for names; undefined: the cluster's own. */
  clusterDns: string[] | undefined
  /** 0: `maxPods` alone bounds pods. */
  podsPerCore: number
  /** What a cloud calls this machine. */
  providerId: string | undefined
  nodeLeaseDurationSeconds: number
  nodeStatusUpdateMs: number
  nodeStatusReportMs: number
  /** -1: all. */
  nodeStatusMaxImages: number
  /** Asked of registries, and written of events, each second; 0: as many as need be. */
  registryQps: number
  registryBurst: number
  eventQps: number
  eventBurst: number
  /** No wait between a crash of a container and its restart is longer. */
  maxContainerRestartPeriodMs: number
  /** What whoever asks the node must speak at least, and the suites of TLS 1.2 that may be spoken; none: the usual ones. */
  tlsMinVersion: TlsVersion | undefined
  tlsCipherSuites: string[]
  /** `false`: nobody executes, attaches, forwards or reads logs at the node's port; nor those of the machine. */
  enableDebuggingHandlers: 'true' | 'false'
  /** Where anybody reads pods and what is measured, without TLS; 0: nowhere. */
  readOnlyPort: number
  /** Where anybody asks whether the agent lives, without TLS; 0: nowhere. */
  healthzPort: number
  healthzBindAddress: string
  enableSystemLogHandler: 'true' | 'false'
  /** `true`: the node does not start on a machine with swap. */
  failSwapOn: 'true' | 'false'
  /** `true`: it does not start on a machine with control groups of version 1. */
  failCgroupV1: 'true' | 'false'
  /** `true`: it does not start where the kernel is set otherwise than kubelet would set it. */
  protectKernelDefaults: 'true' | 'false'
}

export const nodeDefaults: NodeChoices = {
  clusterDns: undefined,
  podsPerCore: 0,
  providerId: undefined,
  nodeLeaseDurationSeconds: 40,
  nodeStatusUpdateMs: 10_000,
  nodeStatusReportMs: 300_000,
  nodeStatusMaxImages: 50,
  registryQps: 0,
  registryBurst: 10,
  eventQps: 0,
  eventBurst: 100,
  maxContainerRestartPeriodMs: 300_000,
  tlsMinVersion: undefined,
  tlsCipherSuites: [],
  enableDebuggingHandlers: 'true',
  readOnlyPort: 0,
  healthzPort: 0,
  healthzBindAddress: '127.0.0.1',
  enableSystemLogHandler: 'true',
  failSwapOn: 'false',
  failCgroupV1: 'false',
  protectKernelDefaults: 'false',
}

function readAddresses(text: string): string[] {
  const addresses = text.split(',')
  if (!addresses.every(isIP)) throw new Error('is not ADDRESS,… such as 169.254.20.10')
  return addresses
}

const atLeast = (leastMs: number, least: string, mostMs = Number.POSITIVE_INFINITY, most = '') => {
  return (text: string): number => {
    const ms = readDuration(text)
    if (ms < leastMs) throw new Error(`is less than ${least}`)
    if (ms > mostMs) throw new Error(`is more than ${most}`)
    return ms
  }
}

function readAddress(text: string): string {
  if (!isIP(text)) throw new Error('is no address such as 127.0.0.1')
  return text
}

const port = (text: string) => wholeNumber(text, 0, 65_535)
const bool = oneOf(['true', 'false'] as const)
const often = (text: string) => wholeNumber(text, 0, 1_000_000)

/** The flag of each, and how its text is read. */
export const nodeRules: { [K in keyof NodeChoices]: { name: string; read(text: string): NodeChoices[K] } } = {
  clusterDns: { name: 'cluster-dns', read: readAddresses },
  podsPerCore: { name: 'pods-per-core', read: text => wholeNumber(text, 0, 10_000) },
  providerId: { name: 'provider-id', read: text => text },
  nodeLeaseDurationSeconds: { name: 'node-lease-duration-seconds', read: text => wholeNumber(text, 4, 3_600) },
  nodeStatusUpdateMs: { name: 'node-status-update-frequency', read: atLeast(1_000, '1s') },
  nodeStatusReportMs: { name: 'node-status-report-frequency', read: atLeast(1_000, '1s') },
  nodeStatusMaxImages: { name: 'node-status-max-images', read: text => wholeNumber(text, -1, 100_000) },
  registryQps: { name: 'registry-qps', read: often },
  registryBurst: { name: 'registry-burst', read: text => wholeNumber(text, 1, 1_000_000) },
  eventQps: { name: 'event-qps', read: often },
  eventBurst: { name: 'event-burst', read: text => wholeNumber(text, 1, 1_000_000) },
  maxContainerRestartPeriodMs: {
    name: 'max-container-restart-period',
    read: atLeast(1_000, '1s', 300_000, '5m'),
  },
  tlsMinVersion: { name: 'tls-min-version', read: readTlsVersion },
  tlsCipherSuites: { name: 'tls-cipher-suites', read: text => readTlsSuites(text.split(',').filter(Boolean)) },
  enableDebuggingHandlers: { name: 'enable-debugging-handlers', read: bool },
  readOnlyPort: { name: 'read-only-port', read: port },
  healthzPort: { name: 'healthz-port', read: port },
  healthzBindAddress: { name: 'healthz-bind-address', read: readAddress },
  enableSystemLogHandler: { name: 'enable-system-log-handler', read: bool },
  failSwapOn: { name: 'fail-swap-on', read: bool },
  failCgroupV1: { name: 'fail-cgroupv1', read: bool },
  protectKernelDefaults: { name: 'protect-kernel-defaults', read: bool },
}

export function nodeOptions(
  settings: NodeChoices,
): Pick<
  AgentOptions,
  'podsPerCore' | 'providerId' | 'heartbeat' | 'shownImages' | 'pullRate' | 'eventRate' | 'mostCrashDelayMs'
> {
  const { providerId, registryQps, registryBurst, eventQps, eventBurst } = settings
  return {
    podsPerCore: settings.podsPerCore,
    ...(providerId ? { providerId } : {}),
    heartbeat: {
      leaseSeconds: settings.nodeLeaseDurationSeconds,
      lookMs: settings.nodeStatusUpdateMs,
      statusMs: settings.nodeStatusReportMs,
    },
    shownImages: settings.nodeStatusMaxImages,
    ...(registryQps ? { pullRate: { perSecond: registryQps, burst: registryBurst } } : {}),
    ...(eventQps ? { eventRate: { perSecond: eventQps, burst: eventBurst } } : {}),
    mostCrashDelayMs: settings.maxContainerRestartPeriodMs,
  }
}

/** How the node's port is spoken to, and what is not answered there; and where anybody is answered. @param nodeIp its address */
export const nodePortOptions = (
  settings: NodeChoices,
  nodeIp: string,
): Pick<AgentServerSettings, 'protocol' | 'closed' | 'plain'> => ({
  protocol: tlsProtocol(settings.tlsMinVersion, settings.tlsCipherSuites),
  plain: plainPorts(settings, nodeIp),
  closed: {
    debugging: settings.enableDebuggingHandlers === 'false',
    machineLogs: settings.enableSystemLogHandler === 'false',
  },
})

/** What a kubelet opens at all of its addresses is opened at the node's own and for who is on the node. */
function plainPorts({ readOnlyPort, healthzPort, healthzBindAddress }: NodeChoices, nodeIp: string): PlainPort[] {
  const reading = (host: string): PlainPort => ({ host, port: readOnlyPort, answers: 'reading' })
  return [
    ...(readOnlyPort ? [...new Set(['127.0.0.1', nodeIp])].map(reading) : []),
    ...(healthzPort ? [{ host: healthzBindAddress, port: healthzPort, answers: 'health' as const }] : []),
  ]
}
