import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import type { SandboxId } from '../runtime.ts'
import { CallFailed } from './connection.ts'

/** Where CNI's library remembers attachments, of all runtimes of a machine: one file `NETWORK-SANDBOX-INTERFACE` each. */
export const recordFolder = '/var/lib/cni/results'

/** True if a sandbox cannot be stopped because CNI's record of it is torn: its writer was killed while it wrote. */
export function isTornRecord(error: unknown): boolean {
  return error instanceof CallFailed && /failed to get network "[^"]*" cached result: /.test(error.details)
}

/** Names of the records of one containerd, of whatever network: each names the network namespace, which is in its state folder. */
export async function recordsOf(disk: Disk, stateFolder: string): Promise<string[]> {
  const names: string[] = []
  for (const { name } of await disk.list(recordFolder).catch(() => [])) {
    const text = await disk.readText(join(recordFolder, name)).catch(() => '')
    if (text.includes(`"${stateFolder}/`)) names.push(name)
  }
  return names
}

/** Forgets what CNI remembers of a sandbox. Its plugins take down a network without that too. @returns whether there was something */
export async function forgetRecords(disk: Disk, sandbox: SandboxId): Promise<boolean> {
  const names = (await disk.list(recordFolder).catch(() => [])).map(entry => entry.name)
  const records = names.filter(name => name.includes(`-${sandbox}-`))
  for (const name of records) await disk.remove(`${recordFolder}/${name}`)
  return records.length > 0
}
