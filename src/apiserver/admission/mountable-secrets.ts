import type { AnyObject } from '../../models/object.ts'

interface Container {
  name: string
  env?: { name: string; valueFrom?: { secretKeyRef?: { name: string } } }[]
  envFrom?: { secretRef?: { name: string } }[]
}

const kinds = { containers: 'container', initContainers: 'init container', ephemeralContainers: 'ephemeral container' }

/** Which secret of the pod its account does not list, for accounts that insist on it. @returns undefined when all are */
export function unmountable(account: AnyObject, pod: AnyObject, whole: boolean): string | undefined {
  const because = `is not allowed because service account ${account.metadata.name} does not reference that`
  const named = (list: { name: string }[] | undefined) => new Set((list ?? []).map(ref => ref.name))
  const secrets = named(account['secrets'])
  const spec = pod['spec']
  if (!whole) return ofContainers(spec, ['ephemeralContainers'], secrets, because)
  for (const { secret } of spec.volumes ?? [])
    if (secret && !secrets.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName}" ${because} secret`
  const found = ofContainers(spec, ['initContainers', 'containers'], secrets, because)
  if (found) return found
  const pulled = named(account['imagePullSecrets'])
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!pulled.has(name)) return `imagePullSecrets[${i}].name="${name}" ${because} imagePullSecret`
  return undefined
}

function ofContainers(
  spec: Record<string, Container[] | undefined>,
  lists: (keyof typeof kinds)[],
  secrets: Set<string>,
  because: string,
): string | undefined {
  for (const list of lists)
    for (const { name, env = [], envFrom = [] } of spec[list] ?? []) {
      const who = `${kinds[list]} ${name}`
      for (const variable of env) {
        const secret = variable.valueFrom?.secretKeyRef?.name
        if (secret !== undefined && !secrets.has(secret))
          return `${who} with envVar ${variable.name} referencing secret.secretName="${secret}" ${because} secret`
      }
      for (const { secretRef } of envFrom)
        if (secretRef && !secrets.has(secretRef.name))
          return `${who} with envFrom referencing secret.secretName="${secretRef.name}" ${because} secret`
    }
  return undefined
}
