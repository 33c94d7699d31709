import { dirname, join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import { isLocalFolderName, localProvisioner, provisionedByAnnotation } from '../../models/local-volume.ts'
import type { PersistentVolume } from '../../models/types/core-v1.ts'

/** Where an agent keeps the folders of local volumes: apart from those of pods, which come and go. */
export const localFolderOf = (agentFolder: string) => join(agentFolder, 'volumes')

/** Folders on their way out: out of reach at once, deleted as fast as the disk can. */
const deletedFolder = '.deleted'

/** Makes the folder of a volume that our provisioner made, before its first use; anybody may write there, as on a fresh disk. */
export async function makeLocalVolume(disk: Disk, agentFolder: string, volume: PersistentVolume): Promise<void> {
  const path = volume.spec.local?.path ?? ''
  if (volume.metadata.annotations?.[provisionedByAnnotation] !== localProvisioner) return
  if (dirname(path) !== localFolderOf(agentFolder) || (await disk.exists(path))) return
  await disk.makeFolder(path)
  await disk.chmod(path, 0o777)
}

/** Deletes a volume's folder and all that is in it. Nothing there is fine. */
export async function removeLocalVolume(disk: Disk, agentFolder: string, name: string): Promise<void> {
  if (!isLocalFolderName(name)) throw new Error(`"${name}" is no folder of a local volume`)
  const folder = localFolderOf(agentFolder)
  const doomed = join(folder, deletedFolder, name)
  await disk.makeFolder(dirname(doomed), { mode: 0o700 })
  await disk.rename(join(folder, name), doomed).catch(error => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  await disk.remove(doomed)
}

/** What an agent before us did not come to delete. */
export async function sweepLocalVolumes(disk: Disk, agentFolder: string): Promise<void> {
  await disk.remove(join(localFolderOf(agentFolder), deletedFolder))
}
