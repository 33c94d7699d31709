import { seededRandom } from '../../base/random.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { defaultProfile } from '../plugins/index.ts'
import type { PodInfo } from '../pod-class.ts'
import { randomMaker } from './random-cluster.ts'
import { mayRun, type PlainCluster } from './reference.ts'
import { fillStorage } from './storage.ts'

const namespaces = { default: { team: 's' }, other: { team: 't' } }

/**
 * Lives through a random history (nodes and pods come, change and go) with one scheduler, asking it about a new pod after every
 * step. @returns the first difference from the reference, or undefined
 */
export function compareWithReference(seed: number, steps = 12): string | undefined {
  const random = seededRandom(seed)
  const make = randomMaker(random)
  const state = new ClusterState()
  const decider = new Decider(defaultProfile, state)
  const storage = make.storage()
  fillStorage(state.objects, storage)
  const plain: PlainCluster = { nodes: [], pods: [], namespaces, storage }
  const infos = new Map<string, PodInfo>()
  for (const [name, labels] of Object.entries(namespaces)) state.setNamespace(name, labels)

  const addNode = (name: string) => {
    const node = make.node(name)
    plain.nodes = [...plain.nodes.filter(n => n.metadata.name !== name), node]
    state.setNode(node)
  }
  const place = (pod: Pod, node: string) => {
    const placed = { ...pod, spec: { ...pod.spec, nodeName: node } }
    const info = state.classes.admit(placed)
    plain.pods.push(placed)
    infos.set(info.uid, info)
    state.addPod(info, node)
  }
  const removePod = () => {
    const [pod] = plain.pods.splice(make.below(plain.pods.length), 1)
    if (!pod) return
    state.removePod(infos.get(pod.metadata.uid)!, pod.spec.nodeName!)
    state.classes.release(infos.get(pod.metadata.uid)!)
  }

  for (let i = 0; i < 5; i++) addNode(`n${i}`)
  const templates = Array.from({ length: 3 }, (_, i) => make.pod(`t${i}`))
  for (let i = 0; i < 6; i++) place(make.pod(`p${i}`), `n${make.below(5)}`)
  for (let step = 0; step < steps; step++) {
    const kind = random.next()
    if (kind < 0.15) addNode(`n${make.below(7)}`)
    else if (kind < 0.35) removePod()
    else if (kind < 0.4 && plain.nodes.length > 2) {
      const node = plain.nodes.splice(make.below(plain.nodes.length), 1)[0]!
      state.removeNode(node.metadata.name)
    } else place(make.pod(`q${step}`), `n${make.below(5)}`)

    // Equal pods again and again: what is remembered for their class must stay true.
    const fresh = make.pod(`ask${step}`)
    const template = make.one(templates)
    const pod = make.chance(0.6) ? { ...template, metadata: { ...template.metadata, uid: fresh.metadata.uid } } : fresh
    const expected = plain.nodes.filter(n => mayRun(pod, n, plain)).map(n => n.metadata.name)
    const info = state.classes.admit(pod)
    const decision = decider.decide(info)
    const fitting = state.nodes.filter(n => !decider.check(info, n)).map(n => n.name)
    const say = (what: string) => `seed ${seed}, step ${step}: ${what}; pod ${JSON.stringify(pod.spec)}`
    if (fitting.sort().join() !== expected.sort().join()) return say(`fits on ${fitting}, should on ${expected}`)
    if (decision.node ? !expected.includes(decision.node.name) : expected.length)
      return say(`decided ${decision.node?.name}, should be of ${expected}`)
    if (decision.node && decision.fitting !== expected.length)
      return say(`${decision.fitting} fit, should ${expected.length}`)
    if (decision.node && make.chance(0.7)) place(pod, decision.node.name)
    state.classes.release(info)
  }
  return undefined
}
