import { createHash } from 'node:crypto'
import { join } from 'node:path'

/**
 * Where volumes of CSI drivers are, below kubelet's folder. These are kubelet's own paths: drivers mount its folder into
 * their pods and some take the paths apart.
 */
export function csiPlaces(kubeletFolder: string) {
  const plugin = join(kubeletFolder, 'plugins/kubernetes.io/csi')
  const pods = join(kubeletFolder, 'pods')
  const podFolder = (uid: string) => join(pods, uid, 'volumes/kubernetes.io~csi')
  return {
    plugin,
    pods,
    podFolder,
    /** Folder of one volume in one pod; its record and `mount` are in it. */
    published: (uid: string, spec: string) => join(podFolder(uid), spec),
    stagedFolder: (driver: string, handle: string) =>
      join(plugin, driver, createHash('sha256').update(handle).digest('hex')),
    blockStaged: (spec: string) => join(plugin, 'volumeDevices/staging', spec),
    blockPublished: (spec: string, uid: string) => join(plugin, 'volumeDevices/publish', spec, uid),
  }
}

export type CsiPlaces = ReturnType<typeof csiPlaces>
