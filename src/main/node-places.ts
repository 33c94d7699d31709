import { join } from 'node:path'
import type { Settings } from './settings.ts'

/** Folders of a node below the data folder. */
export function placesOf(dataDir: string) {
  const node = join(dataDir, 'node')
  return {
    node,
    containerd: join(dataDir, 'containerd'),
    cniConf: join(dataDir, 'cni/net.d'),
    ipam: join(dataDir, 'cni/ipam'),
    announced: join(node, 'announced.json'),
    pods: join(node, 'pods'),
    podLogs: join(node, 'logs'),
    keys: join(node, 'keys'),
    manifests: join(dataDir, 'manifests'),
  }
}

/** The usual data folder has the usual kubelet's folder, which the manifests of drivers name; others keep to themselves. */
export function kubeletFolderOf({ kubeletDir, dataDir }: Pick<Settings, 'kubeletDir' | 'dataDir'>): string {
  return kubeletDir ?? (dataDir === '/var/lib/optiflow' ? '/var/lib/kubelet' : join(dataDir, 'kubelet'))
}
