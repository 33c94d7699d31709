import type { Pod } from '../../models/types/core-v1.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { NodeView } from '../snapshot.ts'
import type { Answer, PluginHost, PluginNode } from './plugin-host.ts'

interface Remembered {
  node: NodeView['node']
  pods: number
  cpuMillis: number
  answer: Answer
}

interface State {
  pod: Pod
  /** By row. */
  answers: Map<number, Remembered>
}

const noSay: Answer = [undefined, 0]

/**
 * A plugin in a thread of its own as one of the rules. All nodes are asked about at once when a class of pods first comes;
 * afterwards only those that changed. Once it has failed it has no say: pods are placed by the other rules.
 */
export function extensionPlugin(
  name: string,
  host: PluginHost,
  failed: (error: unknown) => void,
): SchedulerPlugin<State> {
  let working = true
  const ask = (pod: Pod, nodes: readonly NodeView[]): Answer[] => {
    if (!working) return nodes.map(() => noSay)
    try {
      return host.ask(pod, nodes.map(view))
    } catch (error) {
      working = false
      failed(error)
      return nodes.map(() => noSay)
    }
  }
  const answerFor = ({ pod, answers }: State, node: NodeView): Answer => {
    const known = answers.get(node.index)
    if (known && isFresh(known, node)) return known.answer
    const [answer] = ask(pod, [node])
    answers.set(node.index, remember(node, answer!))
    return answer!
  }
  return {
    name,
    prepare(pod, { nodes }) {
      if (!working) return undefined
      const answers = ask(pod, nodes)
      return { pod, answers: new Map(nodes.map((node, i) => [node.index, remember(node, answers[i]!)])) }
    },
    ...(host.filters ? { filter: (state: State, node: NodeView) => answerFor(state, node)[0] } : {}),
    ...(host.scores ? { score: (state: State, node: NodeView) => answerFor(state, node)[1] } : {}),
  }
}

const remember = (node: NodeView, answer: Answer): Remembered => ({
  node: node.node,
  pods: node.placed.length,
  cpuMillis: node.requested.cpuMillis,
  answer,
})

const isFresh = (known: Remembered, node: NodeView) =>
  known.node === node.node && known.pods === node.placed.length && known.cpuMillis === node.requested.cpuMillis

function view({ node, name, labels, taints, allocatable, requested, placed }: NodeView): PluginNode {
  const { annotations = {} } = node.metadata
  return { name, labels, annotations, taints, allocatable, requested, pods: placed.length }
}
