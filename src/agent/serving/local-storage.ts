import { join } from 'node:path'
import type { Pod } from '../../models/kinds/core/pod.ts'
import { logFolderOf } from '../pod/container-spec.ts'
import { folderSizes } from '../volume/folder-sizes.ts'
import { emptyDirFolder } from '../volume/places.ts'
import type { ServedNode } from './served-node.ts'

/** Folders are walked at most so often, and only when somebody asks. As often as kubelet walks them. */
const freshMs = 60_000

export interface FolderUse {
  usedBytes: number
  inodesUsed: number
}

/** What the logs and emptyDir volumes of a node's pods take, measured once for all who want to know. */
export class LocalStorage {
  readonly #node: ServedNode
  #known: { atMs: number; uses: Promise<ReadonlyMap<string, FolderUse>> } | undefined

  constructor(node: ServedNode) {
    this.#node = node
  }

  /** By path: see `foldersOf`. Folders that came after the last look are not in it. */
  take(): Promise<ReadonlyMap<string, FolderUse>> {
    const now = this.#node.clock.monotonicMs()
    if (!this.#known || now - this.#known.atMs >= freshMs) this.#known = { atMs: now, uses: measure(this.#node) }
    return this.#known.uses
  }
}

/** Folders that count as a pod's local storage. EmptyDirs in memory count as memory. */
export function foldersOf(node: ServedNode, pod: Pod): { logs: Map<string, string>; emptyDirs: Map<string, string> } {
  const { folder, logFolder } = node.places
  const { containers, initContainers = [], ephemeralContainers = [], volumes = [] } = pod.spec!
  const own = logFolderOf(pod as never, logFolder)
  const onDisk = volumes.filter(({ emptyDir }) => emptyDir && emptyDir.medium !== 'Memory')
  return {
    logs: new Map(
      [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => [name, join(own, name)]),
    ),
    emptyDirs: new Map(onDisk.map(({ name }) => [name, emptyDirFolder(folder, pod.metadata.uid!, name)])),
  }
}

/** Two processes for all folders of all pods. */
async function measure(node: ServedNode): Promise<ReadonlyMap<string, FolderUse>> {
  const paths = node
    .pods()
    .flatMap(pod => Object.values(foldersOf(node, pod)).flatMap(folders => [...folders.values()]))
  if (!node.disk) return new Map()
  const sizes = (measure: 'bytes' | 'inodes') => folderSizes(node.commands, paths, measure)
  const [bytes, inodes] = await Promise.all([sizes('bytes'), sizes('inodes')])
  return new Map([...bytes].map(([path, usedBytes]) => [path, { usedBytes, inodesUsed: inodes.get(path) ?? 0 }]))
}
