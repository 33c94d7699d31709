import { wholeDevice as deviceMilli, gpuDevicesAnnotation, gpuMilliResource } from '../../models/gpu.ts'
import type { Node, NodeSelectorTerm, Pod } from '../../models/types/core-v1.ts'
import type { ResourceVector } from '../resource-table.ts'

export { deviceMilli, gpuDevicesAnnotation, gpuMilliResource }

/** Whole devices by the names that device plugins give them; on a node that shares its devices they are the same ones. */
export const wholeGpuResources: readonly string[] = ['nvidia.com/gpu', 'amd.com/gpu']
/** On a node: which model its devices are; the second is what NVIDIA's feature discovery writes. */
export const gpuModelLabels: readonly string[] = ['optiflow.dev/gpu-model', 'nvidia.com/gpu.product']

/** What a pod wants of devices. */
export interface GpuRequest {
  /** How many devices, at least 1. */
  devices: number
  /** Of each; 1000: the whole of it. */
  milliEach: number
  /** The only models that will do, if it names them. */
  models: readonly string[] | undefined
  /** Set if no node could ever serve it. */
  invalid?: string
}

export const isShare = ({ devices, milliEach }: GpuRequest) => devices === 1 && milliEach < deviceMilli

/** @param names of the resources, by column */
export function gpuRequestOf(pod: Pod, requests: ResourceVector, names: readonly string[]): GpuRequest | undefined {
  let milli = 0
  let whole = 0
  for (const [i, column] of requests.columns.entries()) {
    const name = names[column]!
    if (name === gpuMilliResource) milli = requests.amounts[i]!
    else if (wholeGpuResources.includes(name)) whole += requests.amounts[i]!
  }
  if (!milli && !whole) return undefined
  const models = modelsOf(pod)
  if (milli && whole)
    return { devices: whole, milliEach: deviceMilli, models, invalid: `${gpuMilliResource} beside whole GPUs` }
  if (whole) return { devices: whole, milliEach: deviceMilli, models }
  if (milli < deviceMilli) return { devices: 1, milliEach: milli, models }
  const request = { devices: Math.ceil(milli / deviceMilli), milliEach: deviceMilli, models }
  return milli % deviceMilli
    ? { ...request, invalid: `${gpuMilliResource} above ${deviceMilli} that is no multiple of it` }
    : request
}

export function gpuModelOf({ metadata }: Node): string {
  for (const label of gpuModelLabels) if (metadata.labels?.[label]) return metadata.labels[label]
  return ''
}

/** The numbers in a pod's annotation, if it has one that can be read. */
export function annotatedDevices({ metadata }: Pod): readonly number[] | undefined {
  const text = metadata.annotations?.[gpuDevicesAnnotation]
  return text && /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : undefined
}

/** The models that the pod's node selector or required node affinity leaves. */
function modelsOf({ spec }: Pod): readonly string[] | undefined {
  for (const label of gpuModelLabels) if (spec.nodeSelector?.[label]) return [spec.nodeSelector[label]]
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const named = terms?.map(modelsOfTerm)
  if (!named?.length || named.some(models => !models)) return undefined
  return [...new Set(named.flatMap(models => models!))].sort()
}

function modelsOfTerm(term: NodeSelectorTerm): readonly string[] | undefined {
  return term.matchExpressions?.find(e => gpuModelLabels.includes(e.key) && e.operator === 'In')?.values
}
