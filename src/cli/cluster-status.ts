import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { nodeIp } from '../main/addresses.ts'
import { certificateEnds, endWarnings } from '../main/certificate-ends.ts'
import { joinTokenText } from '../main/join.ts'
import { authorityBeforeRenewal } from '../main/pki.ts'
import { isRunning, type RunFile } from '../main/run-file.ts'
import type { Outside } from './command.ts'
import type { Remote } from './connection.ts'
import { formatTable } from './output.ts'
import type { Terminal } from './terminal.ts'

/** A cluster and how it is, as `optiflow status -o json` prints it. */
export interface ClusterStatus {
  /** `stopped`: its process is gone; containers may go on. */
  state: 'starting' | 'ready' | 'stopped'
  url: string
  pid: number
  startedAt: string
  runtime: RunFile['runtime']
  dataDir: string
  kubeconfig: string
  context: string
  certificates: { name: string; notAfter: string }[]
  warnings: string[]
  /** What only a cluster tells that answers. */
  health?: ClusterHealth
  /** What another node is started with; absent while the API listens on loopback only. */
  joinCommand?: string
}

export interface ClusterHealth {
  ready: boolean
  /** Checks of /readyz that fail: `[-]store failed`. */
  failing: string[]
  nodes: { name: string; ready: boolean; message?: string; podsRunning: number; version: string }[]
  workloads: {
    namespace: string
    name: string
    replicas: number
    readyReplicas: number
    url?: string
    message?: string
  }[]
}

/** The store keeps 32 MiB for deletions, and writes other things again when there is as much besides. */
const littleRoomBytes = 64 << 20

/** A store on a full disk answers as ever, and writes nothing: nobody would look there first. */
async function roomWarnings(disk: Disk, dataDir: string): Promise<string[]> {
  const room = await disk.space(dataDir).catch(() => undefined)
  if (!room || room.freeBytes >= littleRoomBytes) return []
  const left = `${Math.floor(room.freeBytes / (1 << 20))} MiB`
  return [`the disk of ${dataDir} has ${left} left: when it is full only deletions are written. Make room on it.`]
}

/** All that the data folder tells, without asking the cluster. */
export async function localStatus({ clock, disk }: Outside, dataDir: string, run: RunFile): Promise<ClusterStatus> {
  const ends = await certificateEnds(disk, dataDir)
  const { url, pid, startedAt, runtime, kubeconfig, context } = run
  const state = (await isRunning(disk, run)) ? run.state : 'stopped'
  const joinCommand = state === 'ready' ? await joinCommandOf(disk, dataDir, run) : undefined
  return {
    ...{ state, url, pid, startedAt, runtime, dataDir, kubeconfig, context },
    certificates: ends.map(({ name, untilMs }) => ({ name, notAfter: new Date(untilMs).toISOString() })),
    warnings: [
      ...endWarnings(ends, clock.now()),
      ...(state !== 'stopped' && (await authorityBeforeRenewal(disk, join(dataDir, 'pki')))
        ? [
            'the authority was renewed, and the server has not taken it over: see its log, or start it again. SIGTERM leaves containers running.',
          ]
        : []),
      ...(await roomWarnings(disk, dataDir)),
    ],
    ...(joinCommand ? { joinCommand } : {}),
  }
}

export async function clusterHealth(remote: Remote): Promise<ClusterHealth> {
  const { status, body } = await remote.client.raw('GET', '/readyz?verbose')
  const lines = body instanceof Uint8Array ? Buffer.from(body).toString().split('\n') : []
  const [nodes, pods, workloads] = await Promise.all([
    remote.json('GET', '/api/v1/nodes'),
    remote.json('GET', '/api/v1/pods'),
    remote.json('GET', '/apis/optiflow.dev/v1/workloads'),
  ])
  const podsOn = (name: string) =>
    pods.items.filter((p: any) => p.spec.nodeName === name && p.status?.phase === 'Running').length
  return {
    ready: status === 200,
    failing: await Promise.all(lines.filter(line => line.startsWith('[-]')).map(line => reasonOf(remote, line))),
    nodes: nodes.items.map((node: any) => {
      const { name } = node.metadata
      const condition = node.status?.conditions?.find((c: any) => c.type === 'Ready')
      const ready = condition?.status === 'True'
      return {
        ...{ name, ready, podsRunning: podsOn(name), version: node.status?.nodeInfo?.kubeletVersion ?? '' },
        ...(ready ? {} : { message: condition?.message ?? 'no word from it' }),
      }
    }),
    workloads: workloads.items.map(({ metadata, spec, status }: any) => ({
      ...{ namespace: metadata.namespace, name: metadata.name },
      ...{ replicas: spec.replicas ?? 1, readyReplicas: status?.readyReplicas ?? 0 },
      ...(status?.url ? { url: status.url } : {}),
      ...(status?.message ? { message: status.message } : {}),
    })),
  }
}

/** A list of all checks withholds why one fails: it is told to whoever may ask for that check. */
async function reasonOf({ client }: Remote, line: string): Promise<string> {
  const name = /^\[-\](\S+)/.exec(line)?.[1]
  const { status, body } = await client.raw('GET', `/readyz/${name}`)
  if (status !== 500 || !(body instanceof Uint8Array)) return line
  const why = Buffer.from(body).toString().trim().replace('internal server error: ', '')
  return `[-]${name} failed: ${why}`
}

/** For people. Pure but for colours. */
export function statusText(status: ClusterStatus, { paint }: Pick<Terminal, 'paint'>): string {
  const { state, url, pid, startedAt, health } = status
  const since = {
    ready: `process ${pid}, since ${startedAt}`,
    starting: `starting, process ${pid}, since ${startedAt}`,
    stopped: paint.red('not running'),
  }
  return [
    ...(status.runtime === 'simulated'
      ? [`${paint.yellow('SIMULATED')} pods are simulated: nothing really runs on these nodes.\n`]
      : []),
    `API      ${url}  ${since[state]}\n`,
    ...(health ? [healthText(health, paint)] : []),
    ...status.warnings.map(warning => `\n${paint.yellow('!')} ${warning}\n`),
    ...(state === 'ready' ? [`\n${howToJoin(status.joinCommand)}\n`] : []),
  ].join('')
}

function healthText({ ready, failing, nodes, workloads }: ClusterHealth, paint: Terminal['paint']): string {
  const health = ready ? paint.green('ready') : paint.red(failing.join(', ') || 'not ready')
  const rows = nodes.map(({ name, message, podsRunning, version, ...node }) => [
    ...[name, node.ready ? 'Ready' : `NotReady: ${message}`, String(podsRunning), version],
  ])
  const apps = workloads.map(({ namespace, name, replicas, readyReplicas, url, message }) => [
    ...[`${namespace}/${name}`, `${readyReplicas}/${replicas}`, url ?? '', message ?? ''],
  ])
  const table = formatTable(['NODE', 'STATUS', 'PODS RUNNING', 'VERSION'], rows)
  const below = apps.length ? `\n${formatTable(['WORKLOAD', 'READY', 'URL', 'MESSAGE'], apps)}` : ''
  return `Health   ${health}\n\n${table}${below}`
}

const howToJoin = (command: string | undefined): string =>
  command
    ? `Another node joins with\n  ${command}`
    : 'Other nodes can join when the API listens on more than loopback: optiflow up --listen 0.0.0.0:6443'

async function joinCommandOf(disk: Disk, dataDir: string, { url, listen }: RunFile): Promise<string | undefined> {
  const { hostname, port } = new URL(url)
  const everywhere = listen === '0.0.0.0' || listen === '::'
  if (!everywhere && (hostname === 'localhost' || hostname.startsWith('127.'))) return undefined
  const read = (name: string) => disk.readText(join(dataDir, 'pki', name)).catch(() => undefined)
  // What the server shows, not what it will show after its next start.
  const before = await authorityBeforeRenewal(disk, join(dataDir, 'pki'))
  const [secret, ca] = await Promise.all([read('join-token'), before ?? read('ca.crt')])
  if (!secret || !ca) return undefined
  const server = everywhere ? `https://${nodeIp()}:${port}` : url
  return `optiflow agent --server ${server} --token ${joinTokenText(secret.trim(), ca)}`
}
