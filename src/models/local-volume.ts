/**
 * Volumes that are folders of a node: what the controller that makes their objects and the agent that keeps the folders
 * agree on. The class is named as k3s names its own, so that manifests written for that one work.
 */
export const localProvisioner = 'local.optiflow.dev'
export const localClass = 'local-path'

/** On a Node: the folder below which it keeps such volumes. A node without it keeps none. */
export const localFolderAnnotation = 'optiflow.dev/local-volumes'

/** On a PersistentVolume: who made it, and so who deletes it. */
export const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by'

/** On an agent's server: DELETE of a volume's folder, by its name. */
export const localVolumesPath = '/localVolumes'

/** What a folder of such a volume may be called: nothing that leads out of the folder of all of them. */
export const isLocalFolderName = (name: string): boolean => /^pvc-[0-9a-f-]{36}_[\w.-]+$/.test(name)
