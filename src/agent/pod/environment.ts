import type { ConfigMap, EnvVarSource, Secret, Service } from '../../models/types/core-v1.ts'
import { ContainerConfigInvalid } from './config-invalid.ts'
import { fieldValue, type PodFacts, resourceValue } from './downward.ts'
import { expand } from './expansion.ts'
import type { PodContainer } from './records.ts'
import { serviceEnvironment } from './service-environment.ts'

/** Where values come from that are not in the pod. */
export interface EnvironmentSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
  /** Services whose addresses the pod is told: those of its namespace, and default/kubernetes. */
  services(namespace: string): Service[]
}

export type Environment = { name: string; value: string }[]

/**
 * The variables of one container, later definitions over earlier ones: services, envFrom, env.
 * @throws ContainerConfigInvalid when a required ConfigMap, Secret or key is missing
 */
export async function environmentOf(
  container: PodContainer,
  facts: PodFacts,
  sources: EnvironmentSources,
): Promise<Environment> {
  const { pod } = facts
  const namespace = pod.metadata.namespace!
  const values = new Map<string, string>()
  const set = (name: string, value: string) => void values.set(name, value)

  for (const [name, value] of serviceEnvironment(pod, sources.services(namespace))) set(name, value)

  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? ''
    if (from.configMapRef) {
      const { name = '', optional } = from.configMapRef
      const map = await sources.configMap(namespace, name)
      if (!map && !optional) throw new ContainerConfigInvalid(`configmap "${name}" not found`)
      for (const [key, value] of Object.entries(map?.data ?? {})) set(prefix + key, value)
    } else if (from.secretRef) {
      const { name = '', optional } = from.secretRef
      const secret = await sources.secret(namespace, name)
      if (!secret && !optional) throw new ContainerConfigInvalid(`secret "${name}" not found`)
      for (const [key, value] of Object.entries(secret?.data ?? {}))
        set(prefix + key, Buffer.from(value, 'base64').toString())
    }
  }

  for (const { name, value, valueFrom } of container.env ?? []) {
    const found = valueFrom
      ? await lookUp(valueFrom, container, facts, sources)
      : expand(value ?? '', key => values.get(key))
    if (found !== undefined) set(name, found)
  }
  return [...values].map(([name, value]) => ({ name, value }))
}

async function lookUp(
  from: EnvVarSource,
  container: PodContainer,
  facts: PodFacts,
  sources: EnvironmentSources,
): Promise<string | undefined> {
  const namespace = facts.pod.metadata.namespace!
  if (from.fieldRef) return fieldValue(facts, from.fieldRef.fieldPath)
  if (from.resourceFieldRef) return resourceValue(facts, from.resourceFieldRef, container.name)
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef
    const map = await sources.configMap(namespace, name)
    if (!map && !optional) throw new ContainerConfigInvalid(`configmap "${name}" not found`)
    const value = own(map?.data, key)
    if (value === undefined && !optional)
      throw new ContainerConfigInvalid(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
    return value
  }
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef
    const secret = await sources.secret(namespace, name)
    if (!secret && !optional) throw new ContainerConfigInvalid(`secret "${name}" not found`)
    const value = own(secret?.data, key)
    if (value === undefined && !optional)
      throw new ContainerConfigInvalid(`couldn't find key ${key} in Secret ${namespace}/${name}`)
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
  }
  return undefined
}

function own(data: Record<string, string> | undefined, key: string): string | undefined {
  return data && Object.hasOwn(data, key) ? data[key] : undefined
}
