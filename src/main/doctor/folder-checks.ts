import { join } from 'node:path'
import { type Check, type Leak, namesIn, type Scene } from './leak.ts'

const ageMs = 60_000

/** Files of pods that are no more. Their mounts are looked for apart, and go first. */
export const podFolders: Check = {
  kind: 'pod folders',
  async find(scene) {
    const { podFolder, secretFolder } = scene.places
    const found: Leak[] = []
    for (const folder of [podFolder, secretFolder])
      for (const uid of await namesIn(scene.disk, folder)) await addIfLeft(found, scene, join(folder, uid), uid)
    return found
  },
}

/** `<namespace>_<name>_<uid>` */
export const logFolders: Check = {
  kind: 'log folders',
  async find(scene) {
    const { logFolder } = scene.places
    const found: Leak[] = []
    for (const name of await namesIn(scene.disk, logFolder))
      await addIfLeft(found, scene, join(logFolder, name), name.slice(name.lastIndexOf('_') + 1))
    return found
  },
}

/** A pod that is just being made has its folders first. */
async function addIfLeft(found: Leak[], { disk, clock, isPod }: Scene, path: string, uid: string): Promise<void> {
  const changedMs = (await disk.stat(path).catch(() => undefined))?.mtimeMs ?? clock.now()
  if (clock.now() - changedMs < ageMs || (await isPod(uid))) return
  found.push({ what: `${path} is of a pod that is no more`, mend: () => disk.remove(path) })
}
