import { arch } from 'node:process'
import type { Disk } from '../../base/disk.ts'
import { quantityOf, quantityOfMillis } from '../../base/quantity.ts'
import type { NodeSystemInfo } from '../../models/types/core-v1.ts'

/** What a machine has. Amounts are quantities, as the API writes them. */
export interface Machine {
  capacity: Record<string, string>
  /** The kernel holds processes to AppArmor profiles. */
  appArmor: boolean
  info: Omit<NodeSystemInfo, 'containerRuntimeVersion' | 'kubeletVersion' | 'kubeProxyVersion'>
}

/**
 * Reads the machine we run on from /proc and /etc.
 * @param folder whose file system is the node's ephemeral storage
 * @param podsPerCore bounds its pods too; 0: it does not
 */
export async function readMachine(disk: Disk, folder: string, maxPods: number, podsPerCore = 0): Promise<Machine> {
  const text = (path: string) => disk.readText(path).catch(() => '')
  const [cpuinfo, meminfo, release, kernel, boot, machine, uuid, appArmor, space, pages] = await Promise.all([
    text('/proc/cpuinfo'),
    text('/proc/meminfo'),
    text('/etc/os-release'),
    text('/proc/sys/kernel/osrelease'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/sys/module/apparmor/parameters/enabled'),
    disk.space(folder).catch(() => undefined),
    disk.list('/sys/kernel/mm/hugepages').catch(() => []),
  ])
  const cpus = cpuinfo.match(/^processor\s*:/gm)?.length ?? 1
  const memoryKi = Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0)
  const huge: Record<string, string> = {}
  for (const { name } of pages) {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0)
    const count = Number((await text(`/sys/kernel/mm/hugepages/${name}/nr_hugepages`)).trim() || 0)
    if (kib)
      huge[`hugepages-${kib % 1_048_576 ? `${kib / 1024}Mi` : `${kib / 1_048_576}Gi`}`] = quantityOf(
        count * kib * 1024,
        'BinarySI',
      )
  }
  const one = (value: string) => value.trim()
  return {
    capacity: {
      cpu: quantityOfMillis(cpus * 1000),
      memory: `${memoryKi}Ki`,
      ...(space ? { 'ephemeral-storage': `${Math.floor(space.totalBytes / 1024)}Ki` } : {}),
      ...huge,
      pods: String(podsPerCore ? Math.min(cpus * podsPerCore, maxPods) : maxPods),
    },
    appArmor: appArmor.startsWith('Y'),
    info: {
      architecture: architectureName(arch),
      operatingSystem: 'linux',
      osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(release)?.[1] ?? 'Linux',
      kernelVersion: one(kernel),
      bootID: one(boot),
      machineID: one(machine),
      systemUUID: one(uuid) || one(machine),
    },
  }
}

/** What a machine that does not exist says of itself. */
export function simulatedMachine(nodeName: string, capacity: Record<string, string>, maxPods: number): Machine {
  return {
    capacity: { cpu: '8', memory: '32Gi', 'ephemeral-storage': '100Gi', pods: String(maxPods), ...capacity },
    appArmor: true,
    info: {
      architecture: architectureName(arch),
      operatingSystem: 'linux',
      osImage: 'simulated',
      kernelVersion: 'simulated',
      bootID: nodeName,
      machineID: nodeName,
      systemUUID: nodeName,
    },
  }
}

/** Node's names of architectures are not Go's. */
export function architectureName(name: string): string {
  return { x64: 'amd64', ia32: '386' }[name as 'x64'] ?? name
}
