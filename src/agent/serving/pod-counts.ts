import { family } from './text-form.ts'

/** What a node is at with one pod. */
export interface WorkedPod {
  /** It runs or is to run, it is being ended, or nothing of it runs any more. */
  lifecycle: 'sync' | 'terminating' | 'terminated'
  /** Whoever defined it still wants it, does so no more, or was never seen: only the runtime knew it. */
  config: 'desired' | 'orphan' | 'runtime_only'
  /** Defined on the node itself. */
  static: boolean
  /** Takes room on the node. */
  active: boolean
}

const lifecycles: readonly WorkedPod['lifecycle'][] = ['sync', 'terminating', 'terminated']
/** Of pods that only the runtime knew nobody knows where they were defined. */
const kinds: readonly (readonly [config: WorkedPod['config'], isStatic: '' | 'true' | 'unknown'])[] = [
  ['desired', ''],
  ['desired', 'true'],
  ['orphan', ''],
  ['orphan', 'true'],
  ['runtime_only', 'unknown'],
]

const labelOf = (pod: WorkedPod) => (pod.config === 'runtime_only' ? 'unknown' : pod.static ? 'true' : '')

/** How many pods there are of each sort, by kubelet's names and labels. Pure. @param mirrors records in the API of the node's own pods */
export function podCountFamilies(pods: readonly WorkedPod[], mirrors: number): string[] {
  const count = (fits: (pod: WorkedPod) => boolean) => pods.filter(fits).length
  const bySource = (name: string, help: string, fits: (pod: WorkedPod) => boolean) =>
    family(
      name,
      'gauge',
      help,
      [false, true].map(
        own => `${name}{static="${own ? 'true' : ''}"} ${count(pod => pod.static === own && fits(pod))}`,
      ),
    )
  const working = kinds.flatMap(([config, isStatic]) =>
    lifecycles.map(lifecycle => {
      const value = count(p => p.lifecycle === lifecycle && p.config === config && labelOf(p) === isStatic)
      return `kubelet_working_pods{config="${config}",lifecycle="${lifecycle}",static="${isStatic}"} ${value}`
    }),
  )
  return [
    ...bySource('kubelet_active_pods', 'Pods that take room on the node', pod => pod.active),
    ...bySource('kubelet_desired_pods', 'Pods that the node is told to run', pod => pod.config === 'desired'),
    ...family('kubelet_mirror_pods', 'gauge', "Records in the API of the node's own pods", [
      `kubelet_mirror_pods ${mirrors}`,
    ]),
    ...family('kubelet_working_pods', 'gauge', 'Pods that the node is at, and how far', working),
  ]
}
