import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'

/** What the agent writes into kubelet's folder to know it again. */
const records = ['device-plugins/optiflow-devices.json', 'optiflow-device-claims.json']
/** Folders that it makes there, with others in them. */
const folders = ['device-plugins', 'pod-resources', 'plugins_registry', 'pods', 'plugins/kubernetes.io', 'plugins']

/** The node is no more: takes out what is ours. The folder is not ours alone: what others keep there stays, and it too then. */
export async function clearKubeletFolder(disk: Disk, kubeletFolder: string): Promise<void> {
  for (const name of records) await disk.remove(join(kubeletFolder, name))
  for (const name of folders) await removeEmptyBelow(disk, join(kubeletFolder, name), name === 'plugins' ? 0 : 4)
  await disk.removeEmpty(kubeletFolder)
}

/** @param depth so many folders deep below this one */
async function removeEmptyBelow(disk: Disk, folder: string, depth: number): Promise<void> {
  const inside = depth ? await disk.list(folder).catch(() => []) : []
  for (const entry of inside) if (entry.isDirectory()) await removeEmptyBelow(disk, join(folder, entry.name), depth - 1)
  await disk.removeEmpty(folder)
}
