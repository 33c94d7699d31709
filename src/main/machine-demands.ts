import type { Disk } from '../base/disk.ts'
import type { NodeChoices } from './node-settings.ts'
import { MachineNotReady } from './preflight.ts'

type Demands = Pick<NodeChoices, 'failSwapOn' | 'failCgroupV1' | 'protectKernelDefaults'>

/** How kubelet wants the kernel set: it sets it so itself, unless it was told to leave it alone. */
const kernel = {
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.keys.root_maxbytes': '25000000',
}

/** What somebody wants a machine to be before it becomes a node. @throws MachineNotReady */
export async function checkDemands(disk: Disk, demands: Demands): Promise<void> {
  if (demands.failSwapOn === 'true') await refuseSwap(disk)
  if (demands.failCgroupV1 === 'true' && !(await disk.exists('/sys/fs/cgroup/cgroup.controllers')))
    throw new MachineNotReady('this machine has control groups of version 1, and --fail-cgroupv1 is true', {
      hint: 'Start it with systemd.unified_cgroup_hierarchy=1 on the command line of the kernel.',
    })
  if (demands.protectKernelDefaults === 'true') await refuseOtherKernel(disk)
}

async function refuseSwap(disk: Disk): Promise<void> {
  // The first line says what is in the columns.
  const lines = (await disk.readText('/proc/swaps').catch(() => '')).trim().split('\n').slice(1)
  const places = lines.map(line => line.split(/\s+/, 1)[0]).filter(Boolean)
  if (!places.length) return
  throw new MachineNotReady(`this machine has swap (${places.join(', ')}), and --fail-swap-on is true`, {
    hint: 'Run swapoff -a, and take it out of /etc/fstab; or say --fail-swap-on false: --memory-swap-behavior NoSwap keeps containers out of swap.',
  })
}

async function refuseOtherKernel(disk: Disk): Promise<void> {
  const wrong: string[] = []
  for (const [name, wanted] of Object.entries(kernel)) {
    const is = (await disk.readText(`/proc/sys/${name.replaceAll('.', '/')}`).catch(() => '?')).trim()
    if (is !== wanted) wrong.push(`${name} is ${is}, not ${wanted}`)
  }
  if (!wrong.length) return
  throw new MachineNotReady(`the kernel is set otherwise than --protect-kernel-defaults wants: ${wrong.join('; ')}`, {
    hint: 'Write them into a file of /etc/sysctl.d, NAME = VALUE on each line, and run sysctl --system.',
  })
}
