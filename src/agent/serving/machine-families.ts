import type { Disk } from '../../base/disk.ts'
import { quantityToFloat } from '../../base/quantity.ts'
import type { ServedNode } from './served-node.ts'
import { family, labelText } from './text-form.ts'

/** The machine and its system, by cAdvisor's names. Nothing of a node that has no machine. */
export async function machineFamilies(node: ServedNode): Promise<string[]> {
  const machine = node.machine()
  if (!machine) return []
  const { bootID, kernelVersion, machineID, osImage, systemUUID } = machine.info
  const labels = labelText({ boot_id: bootID, machine_id: machineID, system_uuid: systemUUID })
  const gauge = (name: string, help: string, value: number | undefined) =>
    family(name, 'gauge', help, value === undefined ? [] : [`${name}${labels} ${value}`])
  const { cores, sockets, swapBytes } = await lookAtMachine(node.disk)
  const versions = { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: '', kernelVersion, osVersion: osImage }
  return [
    ...family('cadvisor_version_info', 'gauge', 'Versions of the kernel and of the system', [
      `cadvisor_version_info${labelText(versions)} 1`,
    ]),
    ...gauge('machine_cpu_cores', 'Processors of the machine', quantityToFloat(machine.capacity['cpu'] ?? '0')),
    ...gauge('machine_cpu_physical_cores', 'Cores of the machine, each of one or more processors', cores),
    ...gauge('machine_cpu_sockets', 'Sockets of the machine that hold processors', sockets),
    ...gauge('machine_memory_bytes', 'Memory of the machine', quantityToFloat(machine.capacity['memory'] ?? '0')),
    ...gauge('machine_swap_bytes', 'Swap of the machine', swapBytes),
  ]
}

interface Hardware {
  cores?: number
  sockets?: number
  swapBytes?: number
}

/** What of it cannot be read is absent. */
async function lookAtMachine(disk: Disk | undefined): Promise<Hardware> {
  const text = async (path: string) => (await disk?.readText(path).catch(() => '')) ?? ''
  const [cpuinfo, meminfo] = await Promise.all([text('/proc/cpuinfo'), text('/proc/meminfo')])
  const places = cpuinfo.split(/\n\n+/).flatMap(each => {
    const socket = /^physical id\s*: (\d+)/m.exec(each)?.[1]
    return socket === undefined ? [] : [{ socket, core: `${socket}/${/^core id\s*: (\d+)/m.exec(each)?.[1]}` }]
  })
  const swap = /^SwapTotal:\s+(\d+) kB/m.exec(meminfo)?.[1]
  return {
    ...(places.length
      ? { cores: new Set(places.map(p => p.core)).size, sockets: new Set(places.map(p => p.socket)).size }
      : {}),
    ...(swap === undefined ? {} : { swapBytes: Number(swap) * 1024 }),
  }
}
