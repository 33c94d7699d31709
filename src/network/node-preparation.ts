import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

/** The node's network could not be set up. */
export class NetworkFailed extends OptiFlowError {}

export interface NodePreparation {
  nodeName: string
  /** Address of the cluster's DNS; put on the loopback so that this node answers. */
  dnsIp: string
  commands: Commands
  disk: Disk
  log: Logger
}

/** What Services, node ports and DNS need of a node, whoever gives its pods their network. @throws NetworkFailed */
export async function prepareNode(options: NodePreparation): Promise<void> {
  await setKernel(options, 'net/ipv4/ip_forward', '1')
  // Service answers between two pods of one bridge must pass the rules that undo the address translation.
  await setKernel(options, 'net/bridge/bridge-nf-call-iptables', '1', true)
  // NodePorts answer on 127.0.0.1 too.
  await setKernel(options, 'net/ipv4/conf/all/route_localnet', '1', true)
  const dnsRange = options.dnsIp.includes(':') ? 128 : 32
  await runTool(options, 'ip', ['addr', 'replace', `${options.dnsIp}/${dnsRange}`, 'dev', 'lo'])
}

/**
 * What a node with IPv6 pods needs besides. A machine that forwards believes no router's advertisements, and would lose its
 * own default route, unless it is told to.
 * @param uplink the interface that leads to the others, if it is known
 */
export async function prepareIPv6(options: NodePreparation, uplink: string | undefined): Promise<void> {
  if (uplink) await setKernel(options, `net/ipv6/conf/${uplink}/accept_ra`, '2', true)
  await setKernel(options, 'net/ipv6/conf/all/forwarding', '1')
  await setKernel(options, 'net/bridge/bridge-nf-call-ip6tables', '1', true)
}

/** Runs a program that must succeed. @throws NetworkFailed */
export async function runTool(
  { commands, nodeName }: NodePreparation,
  file: string,
  args: string[],
  stdin?: string,
): Promise<void> {
  try {
    await commands.run(file, args, stdin === undefined ? {} : { stdin })
  } catch (cause) {
    throw new NetworkFailed(`cannot set up the pod network of node ${nodeName}`, {
      cause,
      hint: 'The node needs root, nftables and iproute2.',
    })
  }
}

async function setKernel({ disk, log }: NodePreparation, path: string, value: string, optional = false): Promise<void> {
  const file = `/proc/sys/${path}`
  try {
    if ((await disk.readText(file)).trim() === value) return
    const opened = await disk.open(file, 'r+')
    await opened.write(value)
    await opened.close()
  } catch (cause) {
    if (optional) return log.info({ setting: path, error: explain(cause) }, 'kernel setting not there')
    throw new NetworkFailed(`cannot set ${path.replaceAll('/', '.')} to ${value}`, {
      cause,
      hint: 'Run as root on a writable /proc/sys.',
    })
  }
}
