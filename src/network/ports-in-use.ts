import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import { machinePorts } from '../base/machine-ports.ts'
import type { HostPort } from '../models/host-ports.ts'

/** A program of the machine listens where a pod's host port would lead: it would hear nothing any more. */
export class HostPortInUse extends OptiFlowError {}

/**
 * Makes sure that no program of the machine listens at a pod's host ports: sshd's connections would go to the pod without a word.
 * @throws HostPortInUse with the program
 */
export async function refusePortsInUse(disk: Disk, ports: readonly HostPort[], nodeName: string): Promise<void> {
  const programAt = machinePorts(disk)
  for (const { protocol, hostPort, hostIp } of ports) {
    const program = await programAt({ protocol, port: hostPort, address: hostIp })
    if (!program) continue
    const at = hostIp ? ` at ${hostIp}` : ''
    throw new HostPortInUse(`hostPort ${hostPort}/${protocol}${at} of node ${nodeName} is in use by ${program}`, {
      hint: 'Give the pod another hostPort or node, or end that program there: then the pod starts by itself.',
    })
  }
}
