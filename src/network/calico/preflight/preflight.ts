import type { Commands } from '../../../base/commands.ts'
import type { Disk } from '../../../base/disk.ts'
import type { Net } from '../../../base/net.ts'
import type { Client } from '../../../client/index.ts'
import { installedVersion } from '../install/install.ts'
import type { ChosenEncapsulation } from '../install/manifest-settings.ts'
import { checkCluster } from './cluster.ts'
import { checkCniConfigs } from './cni-configs.ts'
import { checkEndpoint } from './endpoint.ts'
import type { Finding } from './finding.ts'
import { checkKernel } from './kernel.ts'
import { checkMounts } from './mounts.ts'
import { clusterNetworks, machineNetworks, overlapFindings } from './networks.ts'
import { checkPorts } from './ports.ts'

export interface PreflightOptions {
  commands: Commands
  disk: Disk
  /** Undefined: only this machine is looked at. */
  client: Client | undefined
  net: Net
  /** False: somebody says where nodes reach the API. */
  endpoint: boolean
  /** False: this machine is no node, only the cluster is looked at. */
  machine: boolean
  encapsulation: ChosenEncapsulation
  podCidr: string
  cniConfDir?: string
}

/** Everything that would keep Calico from working on this machine and in this cluster, all at once. Changes nothing. */
export async function preflight(options: PreflightOptions): Promise<Finding[]> {
  const { commands, disk, client, machine, podCidr } = options
  const findings: Finding[] = []
  if (client) findings.push(...(await checkCluster(client)))
  if (client && options.endpoint) findings.push(await checkEndpoint(client, options.net))
  const networks = [
    ...(client ? await clusterNetworks(client) : []),
    ...(machine ? await machineNetworks(commands) : []),
  ]
  findings.push(...overlapFindings(podCidr, networks))
  if (!machine) return findings
  const running = client ? (await installedVersion(client)) !== undefined : false
  findings.push(
    ...(await checkKernel(commands, options.encapsulation)),
    ...(await checkMounts(disk)),
    ...(await checkPorts(disk, running)),
    await checkCniConfigs(disk, options.cniConfDir),
  )
  return findings
}
