import type { Commands } from '../base/commands.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { Bandwidth } from '../models/bandwidth.ts'

/** The kernel does not hold a pod to its bandwidth. */
export class BandwidthFailed extends OptiFlowError {}

/**
 * Holds a pod to a bandwidth: what comes to it is shaped where the node sends it, what leaves it where the pod does.
 * Done twice it is as done once, and goes with the pod's interface.
 * @param netns path of the pod's network namespace
 * @throws BandwidthFailed
 */
export async function limitBandwidth(commands: Commands, netns: string, { ingress, egress }: Bandwidth) {
  const inPod = [`--net=${netns}`]
  const shape = (words: string[], device: string, rate: number) =>
    commands.run(words[0]!, [...words.slice(1), 'qdisc', 'replace', 'dev', device, 'root', ...bucketFor(rate)])
  try {
    if (egress) await shape(['nsenter', ...inPod, 'tc'], podInterface, egress)
    if (ingress) await shape(['tc'], await nodeEnd(commands, inPod), ingress)
  } catch (cause) {
    throw new BandwidthFailed('cannot limit the bandwidth of the pod', {
      cause,
      hint: 'It takes tc of the package iproute2, and a kernel with sch_tbf.',
    })
  }
}

const podInterface = 'eth0'

interface Link {
  ifindex: number
  ifname: string
  /** The other end of a veth pair, by its number where it is. */
  link_index?: number
}

/** The name, on the node, of the wire that leads to the pod. */
async function nodeEnd(commands: Commands, inPod: string[]): Promise<string> {
  const pod = await commands.run('nsenter', [...inPod, 'ip', '-j', 'link', 'show', podInterface])
  const [{ link_index: index }] = JSON.parse(pod.stdout) as [Link]
  const links = JSON.parse((await commands.run('ip', ['-j', 'link', 'show', 'type', 'veth'])).stdout) as Link[]
  const link = links.find(l => l.ifindex === index)
  if (!link) throw new Error(`the other end of ${podInterface} (number ${index}) is not on this node`)
  return link.ifname
}

const packetBytes = 1_514

/**
 * A token bucket for a rate. It lets through at once what the rate gives in 10 ms, but two packets at least; and it keeps what
 * the rate carries in 50 ms, but 16 packets at least, so that TCP finds its pace before anything is dropped.
 */
function bucketFor(bitsPerSecond: number): string[] {
  const bytesIn = (seconds: number) => Math.ceil((bitsPerSecond / 8) * seconds)
  const burst = Math.min(Math.max(bytesIn(0.01), 2 * packetBytes), 2 ** 30)
  const queue = Math.min(Math.max(bytesIn(0.05), 16 * packetBytes), 2 ** 30)
  return ['tbf', 'rate', `${Math.round(bitsPerSecond)}bit`, 'burst', String(burst), 'limit', String(burst + queue)]
}
