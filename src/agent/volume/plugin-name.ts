import type { Volume } from '../../models/types/core-v1.ts'

/** As kubelet names its plugins; a claim by itself, whatever volume it has. */
export function pluginOf(volume: Volume): string {
  const source = Object.keys(volume).find(key => key !== 'name') ?? 'emptyDir'
  return `kubernetes.io/${names[source] ?? source.toLowerCase()}${volume.csi ? `:${volume.csi.driver}` : ''}`
}

const names: Record<string, string> = {
  downwardAPI: 'downward-api',
  emptyDir: 'empty-dir',
  ephemeral: 'persistent-claim',
  hostPath: 'host-path',
  persistentVolumeClaim: 'persistent-claim',
}
