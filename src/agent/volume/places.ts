import { join } from 'node:path'

/** Where an emptyDir of a pod is. @param folder the agent's own */
export function emptyDirFolder(folder: string, podUid: string, volume: string): string {
  return join(folder, 'pods', podUid, 'volumes', 'empty-dir', volume)
}
