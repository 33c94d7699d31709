import { join } from 'node:path'
import { OptiFlowError } from '../../base/errors.ts'
import { podBridge } from '../../network/index.ts'
import { RuntimeUnavailable, stateFolderOf } from '../../runtime/index.ts'
import { type NodeNote, notedNode } from '../node-note.ts'
import { placesOf } from '../node-places.ts'
import { runtimeLeftBehind } from '../node-runtime.ts'
import type { OutsideWorld } from '../outside.ts'
import type { Settings } from '../settings.ts'
import { type Examination, examine } from './doctor.ts'
import type { NodePlaces } from './leak.ts'

/** There is nothing here to be examined, or it cannot be. */
export class NoPatient extends OptiFlowError {}

/** Where a node keeps what its pods need. */
export function nodePlaces({ dataDir, cgroupRoots }: Pick<Settings & NodeNote, 'dataDir' | 'cgroupRoots'>): NodePlaces {
  const places = placesOf(dataDir)
  const stateFolder = stateFolderOf(places.containerd)
  return {
    stateFolder,
    socket: join(stateFolder, 'containerd.sock'),
    ipamFolder: places.ipam,
    bridge: podBridge,
    network: 'optiflow',
    podFolder: places.pods,
    secretFolder: join(stateFolder, 'secrets'),
    logFolder: places.podLogs,
    cgroupRoots,
  }
}

/** Examines the node whose data folder is in the settings. @throws NoPatient */
export async function examineNode(
  settings: Settings,
  outside: Pick<OutsideWorld, 'disk' | 'commands' | 'clock'>,
  fix: boolean,
): Promise<Examination> {
  const { dataDir } = settings
  if (settings.containerRuntimeEndpoint)
    throw new NoPatient('this node runs on a container runtime of your own, which OptiFlow does not clean up', {
      hint: 'Use its own tools, such as crictl.',
    })
  if (!(await runtimeLeftBehind(outside.disk, dataDir)))
    throw new NoPatient(`no node with containers has run from ${dataDir}`, {
      hint: 'Name the data folder of the node with --data-dir.',
    })
  try {
    return await examine({ outside, fix, places: nodePlaces(await notedNode(outside.disk, settings)) })
  } catch (cause) {
    if (!(cause instanceof RuntimeUnavailable)) throw cause
    throw new NoPatient('the containerd of this node does not answer, so nothing is known about what lives', {
      cause,
      hint: 'Start the node (optiflow up, or optiflow agent), then ask again.',
    })
  }
}
