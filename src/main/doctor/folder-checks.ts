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

/** Pipes of commands that were run in containers by an agent that was killed meanwhile. */
export const execPipes: Check = {
  kind: 'exec pipes',
  async find({ disk, clock, places }) {
    const folder = join(places.stateFolder, 'exec')
    const old: string[] = []
    for (const name of await namesIn(disk, folder)) {
      const changedMs = (await disk.stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? clock.now()
      if (clock.now() - changedMs >= ageMs) old.push(join(folder, name))
    }
    // Mostly there are none: all processes are asked only then.
    const open = old.length ? await openPathsBelow(disk, folder) : []
    return old
      .filter(path => !open.some(used => used.startsWith(`${path}/`)))
      .map(path => ({ what: `${path} holds pipes that no process has open`, mend: () => disk.remove(path) }))
  },
}

/** What processes of this machine have open below a folder. */
async function openPathsBelow(disk: Scene['disk'], folder: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await namesIn(disk, '/proc')).filter(name => /^\d+$/.test(name)))
    for (const fd of await namesIn(disk, `/proc/${pid}/fd`)) {
      const path = await disk.readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (path.startsWith(`${folder}/`)) found.push(path)
    }
  return found
}

/** A pod that is just being made has its folders first. */
async function addIfLeft(found: Leak[], { disk, clock, isPod }: Scene, path: string, uid: string): Promise<void> {
  const changedMs = (await disk.stat(path).catch(() => undefined))?.mtimeMs ?? clock.now()
  if (clock.now() - changedMs < ageMs || (await isPod(uid))) return
  found.push({ what: `${path} is of a pod that is no more`, mend: () => disk.remove(path) })
}
