import { explain } from '../../base/errors.ts'
import type { ReferencedObjects } from '../objects.ts'
import { isWritten, referencesOf } from './files.ts'
import { MountFailed } from './mount-failed.ts'
import { usedVolumes } from './used-volumes.ts'
import type { Volumes } from './volumes.ts'

/** For nodes without containers: nothing is written, but what a pod refers to must exist. */
export function createSimulatedVolumes(objects: ReferencedObjects): Volumes {
  return {
    async setUp({ pod }) {
      for (const volume of usedVolumes(pod)) {
        if (!isWritten(volume)) continue
        const optional = volume.configMap?.optional ?? volume.secret?.optional
        if (optional || volume.projected) continue
        for (const { kind, namespace, name } of referencesOf(pod, volume)) {
          const found = await objects.get<any>(kind, { namespace, name }).catch(cause => {
            throw new MountFailed(volume.name, explain(cause))
          })
          if (!found)
            throw new MountFailed(volume.name, `${kind.singular ?? kind.kind.toLowerCase()} "${name}" not found`)
        }
      }
      return new Map()
    },
    mounts: async () => [],
    devices: () => [],
    async refresh() {},
    uses: async () => [],
    async tearDown() {},
    left: async () => [],
    async [Symbol.asyncDispose]() {},
  }
}
