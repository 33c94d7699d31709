import type { NodeAffinity, Pod } from '../../models/types/core-v1.ts'
import { gpuMilliResource, gpuModelLabels } from '../gpu/gpu-request.ts'

/** One line of a table with a head. */
export type Line = Record<string, string>

/** Comma-separated lines under a head of column names; nothing is quoted. */
export function parseTable(text: string): Line[] {
  const [head, ...lines] = text.trim().split(/\r?\n/)
  const columns = head!.split(',')
  return lines.map(line => {
    const cells = line.split(',')
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']))
  })
}

/**
 * A pod of a recorded workload in the columns of Alibaba's GPU-sharing traces: `name`, `cpu_milli`, `memory_mib`, `num_gpu`,
 * `gpu_milli` (of each device), `gpu_spec` (`A|B`: the models that will do).
 * @see https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023
 */
export function podOfLine(line: Line): Pod {
  const milli = Number(line['num_gpu'] || 0) * Number(line['gpu_milli'] || 0)
  const name = line['name']!
  const requests = {
    cpu: `${line['cpu_milli']}m`,
    memory: `${line['memory_mib']}Mi`,
    ...(milli ? { [gpuMilliResource]: `${milli}` } : {}),
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, uid: name, resourceVersion: '' },
    spec: {
      containers: [{ name: 'c', image: 'trace', resources: { requests } }],
      ...(line['gpu_spec'] && milli ? { affinity: { nodeAffinity: onlyOn(line['gpu_spec'].split('|')) } } : {}),
    },
  }
}

const milliAnnotation = 'alibabacloud.com/gpu-milli'
const countAnnotation = 'alibabacloud.com/gpu-count'
const modelAnnotation = 'alibabacloud.com/gpu-card-model'

/** A pod that asks for shares by Alibaba's annotations, asking by our resource; any other stays as it is. */
export function fromAlibaba(pod: Pod): Pod {
  const { [milliAnnotation]: each, [countAnnotation]: count, [modelAnnotation]: model } = pod.metadata.annotations ?? {}
  if (!each) return pod
  const gpu = { [gpuMilliResource]: `${Number(each) * Number(count ?? 1)}` }
  const [first, ...others] = pod.spec.containers
  const { requests, limits } = first!.resources ?? {}
  const resources = { ...first!.resources, requests: { ...requests, ...gpu }, limits: { ...limits, ...gpu } }
  const spec = { ...pod.spec, containers: [{ ...first!, resources }, ...others] }
  if (model) spec.affinity = { ...spec.affinity, nodeAffinity: onlyOn(model.split('|')) }
  return { ...pod, spec }
}

const onlyOn = (values: string[]): NodeAffinity => ({
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: gpuModelLabels[0]!, operator: 'In', values }] }],
  },
})
