import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { Inventory, Stock } from '../../runtime/index.ts'

/** Something of a pod that is no more. */
export interface Leak {
  /** For people: `/run/…/netns/cni-1234 belongs to no sandbox`. Says the same at every look. */
  what: string
  mend(): Promise<void>
}

/** Where a node keeps what its pods need. */
export interface NodePlaces {
  /** Of its containerd: sockets, tasks, network namespaces. */
  stateFolder: string
  socket: string
  /** Of the CNI plugin: a folder for each network, a file for each address. */
  ipamFolder: string
  bridge: string
  /** Of the CNI network. */
  network: string
  /** Folders of pods by uid. */
  podFolder: string
  secretFolder: string
  logFolder: string
  /** Control groups below which `kubepods` was, in all starts of the node. */
  cgroupRoots: readonly string[]
}

/** One look at a machine. */
export interface Scene {
  places: NodePlaces
  inventory: Inventory
  stock: Stock
  disk: Disk
  commands: Commands
  clock: Clock
  /** Ids of all containers and sandboxes that containerd knows. */
  ids: ReadonlySet<string>
  /** Ids of sandboxes that have a network. */
  sandboxIds: ReadonlySet<string>
  /** Of pods that containerd or the agent knows. */
  isPod(uid: string): Promise<boolean>
}

/** Looks for one sort of leak. */
export interface Check {
  /** `network namespaces` */
  kind: string
  find(scene: Scene): Promise<Leak[]>
}

export const namesIn = async (disk: Disk, folder: string): Promise<string[]> =>
  (await disk.list(folder).catch(() => [])).map(entry => entry.name)
