import { untoleratedBy } from '../../controller/daemon-set-pods.ts'
import { DaemonSet, Node } from '../../models/kinds/index.ts'
import { labelsText } from '../../models/kinds/selector-text.ts'
import type { Asking } from '../asking.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'
import { unseen } from './replicas.ts'

export const daemonSet: Explainer<DaemonSet> = {
  kind: DaemonSet,
  summary({ status }) {
    if (!status?.desiredNumberScheduled) return 'no node is meant to have a pod of it'
    return `${status.numberReady ?? 0} of the ${status.desiredNumberScheduled} nodes that are meant to have a ready pod have one`
  },
  async findings(object, ask) {
    const { spec, status } = object
    const found: Finding[] = [...unseen(object)]
    const { desiredNumberScheduled: desired = 0, currentNumberScheduled: current = 0 } = status ?? {}
    if (current < desired) found.push(waits(`${desired - current} nodes have no pod of it yet`))
    const updated = status?.updatedNumberScheduled ?? 0
    if (desired && updated < desired)
      found.push(
        spec.updateStrategy?.type === 'OnDelete'
          ? stops('spec.updateStrategy is OnDelete: a pod gets the new template when you delete it')
          : waits(`${updated} of ${desired} pods have the newest template`),
      )
    if (status?.numberMisscheduled)
      found.push(waits(`${status.numberMisscheduled} nodes run a pod of it that are not meant to any more`))
    return [...found, ...(await nodesLeftOut(object, ask))]
  },
}

/** Why nodes get no pod, as far as labels and taints say it. */
async function nodesLeftOut(set: DaemonSet, ask: Asking): Promise<Finding[]> {
  const nodes = await ask.list(Node)
  const { nodeSelector } = set.spec.template.spec!
  const wanted = Object.entries(nodeSelector ?? {})
  const unlabelled = nodes.filter(({ metadata }) => wanted.some(([key, value]) => metadata.labels?.[key] !== value))
  const found: Finding[] = []
  if (unlabelled.length)
    found.push(
      leftOut(
        nodes.length === unlabelled.length,
        `${unlabelled.length} of ${nodes.length} nodes have not the labels of spec.template.spec.nodeSelector (${labelsText(nodeSelector)}), such as ${unlabelled[0]!.metadata.name}`,
        `kubectl label node ${unlabelled[0]!.metadata.name} ${labelsText(nodeSelector).replaceAll(',', ' ')}`,
      ),
    )
  const rest = nodes.filter(node => !unlabelled.includes(node))
  const taintsOf = (node: Node) => untoleratedBy(set, node)
  const tainted = rest.filter(node => taintsOf(node).length)
  if (tainted.length) {
    const { key, effect } = taintsOf(tainted[0]!)[0]!
    found.push(
      leftOut(
        tainted.length === rest.length,
        `${tainted.length} of ${nodes.length} nodes have a taint that it does not tolerate, such as ${tainted[0]!.metadata.name} (${key}:${effect})`,
        `Add a toleration for ${key} to spec.template.spec.tolerations.`,
      ),
    )
  }
  return found
}

/** Some nodes are left out on purpose; all of them hardly are. */
const leftOut = (all: boolean, text: string, next: string): Finding => (all ? stops(text, next) : well(text))
