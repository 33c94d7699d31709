import { hostname } from 'node:os'
import type { Command } from 'commander'
import { isCIDR, plainAddress } from '../../../base/ip.ts'
import {
  apiEndpoint,
  BadManifest,
  backendOf,
  type CalicoManifest,
  checkVersion,
  encapsulations,
  type ManifestSettings,
  publishedManifests,
  readManifest,
  verifyDigest,
} from '../../../main/calico.ts'
import { UsageError } from '../../failure.ts'
import { readEncapsulation } from './preflight.ts'
import { type CalicoFlags, etcdOf, type Session, withDatastore } from './session.ts'

export interface ManifestFlags extends CalicoFlags {
  manifest?: string
  sha256?: string
  anyVersion?: boolean
  encapsulation: string
  podCidr: string
  mtu?: string
  apiServer?: string
  datastore: string
  movePods?: boolean
  skipPreflight?: boolean
  nodeName: string
  timeout: string
}

const largestManifestBytes = 8 << 20
const fetchMs = 60_000

export function withManifest(command: Command): Command {
  return withDatastore(command)
    .option('--manifest <file|url>', "Calico's manifest; the one that its project publishes unless given")
    .option('--sha256 <digest>', 'what the manifest must be; needed with a URL')
    .option('--any-version', 'take a release that this program does not know')
    .option('--encapsulation <how>', `between nodes: ${encapsulations.join(', ')}`, 'vxlan')
    .option('--pod-cidr <cidr>', 'network of all pods', '10.244.0.0/16')
    .option('--mtu <bytes>', "of pods' interfaces; Calico finds it out unless given")
    .option('--api-server <host:port>', 'where nodes reach the API before there are Services')
    .option('--datastore <where>', 'kubernetes (the API), or etcd with --etcd-endpoints', 'kubernetes')
    .option('--move-pods', 'evict pods that have addresses of another network')
    .option('--skip-preflight', 'do not look at the cluster and this machine first')
    .option('--node-name <name>', 'the node that this machine is', hostname().toLowerCase())
    .option('--timeout <seconds>', 'longest wait of one step', '300')
}

/** The manifest, verified and recognised. Nothing was done when this throws. @throws UsageError, BadManifest */
export async function manifestOf({ outside, world }: Session, flags: ManifestFlags): Promise<CalicoManifest> {
  const { source, sha256 } = sourceOf(flags)
  const text = await readSource(source, outside.disk, world.net)
  if (sha256) verifyDigest(text, sha256, source)
  const manifest = readManifest(text, source)
  if (!flags.anyVersion) checkVersion(manifest)
  return manifest
}

function sourceOf(flags: ManifestFlags): { source: string; sha256: string | undefined } {
  if (!flags.manifest) {
    const { url, sha256 } = publishedManifests[backendOf(readEncapsulation(flags.encapsulation))]
    return { source: url, sha256: flags.sha256 ?? sha256 }
  }
  if (/^http:/.test(flags.manifest))
    throw new UsageError('--manifest: only https:// URLs', { hint: 'Or fetch it yourself and name the file.' })
  if (/^https:/.test(flags.manifest) && !flags.sha256)
    throw new UsageError('a manifest from a URL needs --sha256', { hint: 'So that nobody on the way can change it.' })
  return { source: flags.manifest, sha256: flags.sha256 }
}

async function readSource(
  source: string,
  disk: Session['outside']['disk'],
  net: Session['world']['net'],
): Promise<string> {
  if (!source.startsWith('https:'))
    return disk.readText(source).catch(cause => {
      throw new BadManifest(`cannot read ${source}`, { cause })
    })
  const reply = await net.request(source, { timeoutMs: fetchMs, maxBytes: largestManifestBytes }).catch(cause => {
    throw new BadManifest(`cannot fetch ${source}`, {
      cause,
      hint: 'Fetch it elsewhere and name the file: --manifest FILE.',
    })
  })
  if (reply.status !== 200) throw new BadManifest(`${source} answered ${reply.status}`, { hint: 'Check the address.' })
  return reply.body.toString()
}

/** How this cluster wants the manifest. @throws UsageError */
export async function manifestSettingsOf(
  { remote, outside }: Session,
  flags: ManifestFlags,
): Promise<ManifestSettings> {
  const encapsulation = readEncapsulation(flags.encapsulation)
  if (!isCIDR(flags.podCidr) || plainAddress(flags.podCidr) !== flags.podCidr)
    throw new UsageError(`--pod-cidr: "${flags.podCidr}" is not a network such as 10.244.0.0/16`)
  if (flags.datastore !== 'kubernetes' && flags.datastore !== 'etcd')
    throw new UsageError(`--datastore: "${flags.datastore}" is not one of kubernetes, etcd`)
  const etcd = await etcdOf(outside, flags)
  if ((flags.datastore === 'etcd') !== (etcd !== undefined))
    throw new UsageError('--datastore etcd and --etcd-endpoints go together')
  return {
    encapsulation,
    podCidr: flags.podCidr,
    api: flags.apiServer ? readHostPort(flags.apiServer) : await apiEndpoint(remote.client),
    ...(flags.mtu === undefined ? {} : { mtu: readMtu(flags.mtu) }),
    ...(etcd ? { etcd } : {}),
  }
}

function readHostPort(text: string): { host: string; port: number } {
  const [, host, port] = /^(?:https:\/\/)?\[?([^\]/]+)\]?:(\d+)$/.exec(text) ?? []
  if (!host || !port) throw new UsageError(`--api-server: "${text}" is not HOST:PORT`)
  return { host, port: Number(port) }
}

function readMtu(text: string): number {
  const mtu = Number(text)
  if (Number.isInteger(mtu) && mtu >= 576 && mtu <= 65_535) return mtu
  throw new UsageError(`--mtu: "${text}" is not a whole number from 576 to 65535`)
}
