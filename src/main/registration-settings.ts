import type { AgentOptions } from '../agent/index.ts'
import type { Taint } from '../models/types/core-v1.ts'
import { oneOf, readPairs, wholeNumber } from './setting-readers.ts'

/** How a node registers and how much it takes on at once, under kubelet's names and with its defaults. */
export interface RegistrationChoices {
  nodeLabels: Record<string, string>
  /** At the first registration only. */
  registerWithTaints: Taint[]
  maxPods: number
  /** One image after the other, whatever `maxParallelImagePulls` says. */
  serializeImagePulls: 'true' | 'false'
  maxParallelImagePulls: number
}

export const registrationDefaults: RegistrationChoices = {
  nodeLabels: {},
  registerWithTaints: [],
  maxPods: 110,
  serializeImagePulls: 'false',
  maxParallelImagePulls: 5,
}

const name = /^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/
const domain = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

function isKey(text: string): boolean {
  const [first = '', second, ...more] = text.split('/')
  if (more.length) return false
  return second === undefined ? name.test(first) : domain.test(first) && name.test(second)
}

const isValue = (text: string) => text === '' || name.test(text)

/** Labels of Kubernetes itself that a node may say of itself. */
const ownLabels = new Set([
  ...['kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch'],
  ...['beta.kubernetes.io/os', 'beta.kubernetes.io/arch', 'beta.kubernetes.io/instance-type'],
  ...['topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'node.kubernetes.io/instance-type'],
  ...['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'],
])

function mayLabel(key: string): boolean {
  const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
  if (!/(^|\.)(kubernetes|k8s)\.io$/.test(prefix)) return true
  return ownLabels.has(key) || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(prefix)
}

/** `team=core,topology.kubernetes.io/zone=a` */
function readLabels(text: string): Record<string, string> {
  const labels = readPairs(text)
  for (const [key, value] of Object.entries(labels)) {
    if (!isKey(key) || !isValue(value)) throw new Error('is not KEY=VALUE,… such as topology.kubernetes.io/zone=a')
    if (!mayLabel(key))
      throw new Error(
        `names ${key}: of Kubernetes’ own labels a node may have those below node.kubernetes.io and kubelet.kubernetes.io, and ${[...ownLabels].join(', ')}`,
      )
  }
  return labels
}

/** `dedicated=gpu:NoSchedule,key:NoExecute` */
function readTaints(text: string): Taint[] {
  const taints = text.split(',').map(part => {
    const [, key, value, effect] = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(part) ?? []
    if (!key || !effect || !isKey(key) || !isValue(value ?? ''))
      throw new Error(
        'is not KEY=VALUE:EFFECT,… such as dedicated=gpu:NoSchedule; effects: NoSchedule, PreferNoSchedule, NoExecute',
      )
    return { key, ...(value ? { value } : {}), effect: effect as Taint['effect'] }
  })
  if (new Set(taints.map(({ key, effect }) => `${key}:${effect}`)).size < taints.length)
    throw new Error('names one key with one effect twice')
  return taints
}

/** The flag of each, and how its text is read. */
export const registrationRules: {
  [K in keyof RegistrationChoices]: { name: string; read(text: string): RegistrationChoices[K] }
} = {
  nodeLabels: { name: 'node-labels', read: readLabels },
  registerWithTaints: { name: 'register-with-taints', read: readTaints },
  maxPods: { name: 'max-pods', read: text => wholeNumber(text, 1, 10_000) },
  serializeImagePulls: { name: 'serialize-image-pulls', read: oneOf(['true', 'false'] as const) },
  maxParallelImagePulls: { name: 'max-parallel-image-pulls', read: text => wholeNumber(text, 1, 1_000) },
}

export const registrationOptions = (
  settings: RegistrationChoices,
): Required<Pick<AgentOptions, 'taints' | 'maxPods' | 'parallelPulls'>> => ({
  taints: settings.registerWithTaints,
  maxPods: settings.maxPods,
  parallelPulls: settings.serializeImagePulls === 'true' ? 1 : settings.maxParallelImagePulls,
})
