import type { PersistentVolumeClaim } from '../../models/types/core-v1.ts'

export interface SecretName {
  namespace: string
  name: string
}

/** What the parameters of a StorageClass say to us; the rest is the driver's. */
export interface ClassParameters {
  driver: Record<string, string>
  fsType: string
  provision: SecretName | undefined
  publish: SecretName | undefined
  stage: SecretName | undefined
  mount: SecretName | undefined
  expand: SecretName | undefined
  nodeExpand: SecretName | undefined
}

const prefix = 'csi.storage.k8s.io/'

/** What of a class's parameters is the driver's. */
export function driverParameters(parameters: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([key]) => !key.startsWith(prefix)))
}

/** @throws Error when a secret's name is given without its namespace, or names what the claim does not have */
export function classParameters(
  parameters: Record<string, string>,
  claim: PersistentVolumeClaim,
  volumeName: string,
): ClassParameters {
  const fill = (text: string) =>
    text.replace(/\$\{([^}]*)\}/g, (_, what: string) => {
      const found = variable(what, claim, volumeName)
      if (found === undefined)
        throw new Error(`StorageClass parameter names \${${what}}, which the claim does not have`)
      return found
    })
  const secret = (what: string): SecretName | undefined => {
    const name = parameters[`${prefix}${what}-secret-name`]
    const namespace = parameters[`${prefix}${what}-secret-namespace`]
    if (!name && !namespace) return undefined
    if (!name || !namespace) throw new Error(`StorageClass parameters name the ${what} secret only in part`)
    return { name: fill(name), namespace: fill(namespace) }
  }
  return {
    driver: driverParameters(parameters),
    fsType: parameters[`${prefix}fstype`] ?? '',
    provision: secret('provisioner'),
    publish: secret('controller-publish'),
    stage: secret('node-stage'),
    mount: secret('node-publish'),
    expand: secret('controller-expand'),
    nodeExpand: secret('node-expand'),
  }
}

function variable(what: string, { metadata }: PersistentVolumeClaim, volumeName: string): string | undefined {
  if (what === 'pv.name') return volumeName
  if (what === 'pvc.name') return metadata.name
  if (what === 'pvc.namespace') return metadata.namespace
  const annotation = /^pvc\.annotations\['(.+)'\]$/.exec(what)?.[1]
  return annotation === undefined ? undefined : metadata.annotations?.[annotation]
}
