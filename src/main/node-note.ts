import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { kubeletFolderOf } from './node-places.ts'
import type { Settings } from './settings.ts'

/** What must be undone as it was done: pods leave their network by the plugin that made it. */
const names = ['network', 'cniConfDir', 'cniBinDir', 'nodeName', 'serviceCidr'] as const

/** What a node leaves beside its data folder, and where. */
export interface NodeNote extends Pick<Settings, (typeof names)[number]> {
  /** Folders that were shared with plugins, in all its starts. */
  kubeletFolders: string[]
  /** Control groups below which `kubepods` was, in all its starts. */
  cgroupRoots: string[]
}

const fileOf = (dataDir: string) => join(dataDir, 'node-note.json')

/** Remembers how this node runs: who ends it need not say it again. */
export async function noteNode(disk: Disk, settings: Settings): Promise<void> {
  const old = await readNote(disk, settings.dataDir)
  const note: NodeNote = {
    ...(Object.fromEntries(names.map(name => [name, settings[name]])) as Pick<Settings, (typeof names)[number]>),
    kubeletFolders: [...new Set([...(old?.kubeletFolders ?? []), kubeletFolderOf(settings)])],
    cgroupRoots: [...new Set([...(old?.cgroupRoots ?? []), settings.cgroupRoot])],
  }
  await disk.write(fileOf(settings.dataDir), JSON.stringify(note))
}

/** How the node last ran; as the settings say where it never did. */
export async function notedNode(disk: Disk, settings: Settings): Promise<Settings & NodeNote> {
  const note = await readNote(disk, settings.dataDir)
  const asGiven = { kubeletFolders: [kubeletFolderOf(settings)], cgroupRoots: [settings.cgroupRoot] }
  return { ...settings, ...(note ?? asGiven) }
}

const readNote = (disk: Disk, dataDir: string): Promise<NodeNote | undefined> =>
  disk.readText(fileOf(dataDir)).then(JSON.parse, () => undefined)
