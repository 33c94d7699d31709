import { expect, test } from 'vitest'
import type { Disk } from '../base/disk.ts'
import { checkDemands } from './machine-demands.ts'

const none = { failSwapOn: 'false', failCgroupV1: 'false', protectKernelDefaults: 'false' } as const
const swaps = 'Filename Type Size Used Priority\n'
const kernel = {
  '/proc/sys/vm/overcommit_memory': '1\n',
  '/proc/sys/vm/panic_on_oom': '0\n',
  '/proc/sys/kernel/panic': '10\n',
  '/proc/sys/kernel/panic_on_oops': '1\n',
  '/proc/sys/kernel/keys/root_maxkeys': '1000000\n',
  '/proc/sys/kernel/keys/root_maxbytes': '25000000\n',
}
const disk = (files: Record<string, string>) =>
  ({
    exists: async (path: string) => path in files,
    readText: async (path: string) => files[path] ?? Promise.reject(new Error(path)),
  }) as unknown as Disk

test('a machine is a node unless it is what somebody did not want', async () => {
  const bad = disk({ '/proc/swaps': `${swaps}/dev/sdb partition 2097148 0 -2\n/swap file 4 0 -3\n` })
  const good = disk({ '/proc/swaps': swaps, '/sys/fs/cgroup/cgroup.controllers': 'cpu', ...kernel })
  await checkDemands(bad, none)
  await checkDemands(good, { failSwapOn: 'true', failCgroupV1: 'true', protectKernelDefaults: 'true' })
  await expect(checkDemands(bad, { ...none, failSwapOn: 'true' })).rejects.toThrow(
    'this machine has swap (/dev/sdb, /swap), and --fail-swap-on is true',
  )
  await expect(checkDemands(bad, { ...none, failCgroupV1: 'true' })).rejects.toThrow('control groups of version 1')
})

test('a kernel that is set otherwise is told by what is, and what is wanted', async () => {
  const other = disk({ ...kernel, '/proc/sys/vm/overcommit_memory': '0\n', '/proc/sys/kernel/panic': '0\n' })
  await expect(checkDemands(other, { ...none, protectKernelDefaults: 'true' })).rejects.toThrow(
    'wants: vm.overcommit_memory is 0, not 1; kernel.panic is 0, not 10',
  )
})
