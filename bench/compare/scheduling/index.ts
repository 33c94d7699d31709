import { whyNoScheduler } from '../../support/kubernetes.ts'
import { pause } from '../../support/statistics.ts'
import type { Case, Program } from '../program.ts'
import type { Both } from '../servers.ts'
import type { Json, Side } from '../side.ts'
import { type Asked, type Outcome, outcomeOf, podPath, podsPath } from './outcomes.ts'
import { type RunningScheduler, ScoreLog, startOurScheduler } from './schedulers.ts'
import { namespaces, priorities, randomWorld, type World } from './worlds.ts'

const worlds = 300
/** Both schedulers have seen by then what was written. */
const seenMs = 120

export const scheduling: Program = {
  name: 'scheduling',
  about:
    'Small random clusters and pods that come one after another, to kube-scheduler and to ours: which fit, the scores of nodes, ' +
    'the words of conditions and events, who is preempted.',
  missing: whyNoScheduler,
  width: 1,
  async *cases(both, { every, only }) {
    const log = new ScoreLog()
    await using _theirs = await both.kubernetes.startScheduler(text => log.hear(text))
    await using ours = await startOurScheduler(both.ours.keys)
    const theirs: RunningScheduler = {
      scoresOf: (namespace, name) => log.of(namespace, name),
      forget: () => log.clear(),
      [Symbol.asyncDispose]: async () => {},
    }
    await onBoth(both, prepare)
    for (let seed = 0; seed < worlds; seed += every)
      if (!/^world \d+:/.test(only ?? '') || only!.startsWith(`world ${seed}:`))
        yield* runWorld(seed, both, { ours, theirs })
  },
}

const onBoth = <T>({ ours, theirs }: Both, work: (side: Side) => Promise<T>) => Promise.all([work(ours), work(theirs)])

async function prepare(side: Side): Promise<void> {
  for (const [name, labels] of Object.entries(namespaces)) {
    if (name !== 'default') await side.json('POST', '/api/v1/namespaces', { metadata: { name, labels } })
    await side.json('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } })
  }
  for (const [name, rest] of Object.entries(priorities))
    await side.json('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name }, ...rest })
}

type Schedulers = Record<'ours' | 'theirs', RunningScheduler>

async function* runWorld(seed: number, both: Both, schedulers: Schedulers): AsyncIterable<Case> {
  const world = randomWorld(seed)
  // Who is ending already is not asked again by ours, nor by later versions of kube-scheduler.
  const ending = world.placed.filter(p => p.ending).map(p => `${p.pod.metadata.namespace}/${p.pod.metadata.name}`)
  const known = new Set(ending)
  const ask = (pod: Json, wantsNode: boolean) => outcomesOf(both, schedulers, { pod, known, wantsNode })
  let serial = 0
  await onBoth(both, side => fill(side, world))
  await pause(seenMs)
  for (const pod of world.pods) {
    const what = `world ${seed}: ${pod.metadata.name} ${JSON.stringify({ ...pod.metadata.labels, ...pod.spec })}`
    await onBoth(both, side => side.json('POST', podsPath(pod), pod))
    let outcomes = await ask(pod, false)
    yield caseOf(what, outcomes)
    let [mine, its] = outcomes
    if (mine instanceof Error || its instanceof Error || Boolean(mine.node) !== Boolean(its.node)) break
    if (mine.nominated !== its.nominated || mine.victims.join() !== its.victims.join()) break
    if (mine.nominated) {
      for (const victim of mine.victims) known.add(victim)
      const ended = [...mine.victims, ...ending.splice(0)]
      await onBoth(both, side => end(side, ended))
      outcomes = await ask(pod, true)
      yield caseOf(`${what}, its victims gone`, outcomes)
      ;[mine, its] = outcomes
      if (mine instanceof Error || its instanceof Error) break
    }
    // Another node among equals had another volume for it.
    if (mine.volumes.join() !== its.volumes.join() && mine.node !== its.node) break
    if (!mine.node) await onBoth(both, side => side.json('DELETE', `${podPath(pod)}?gracePeriodSeconds=0`))
    else if (mine.node !== its.node) await move(both.ours, pod, its.node!)
    if (mine.node) await onBoth(both, side => run(side, pod, startTimeOf(serial++)))
    await pause(seenMs / 4)
  }
  await onBoth(both, clear)
  for (const scheduler of Object.values(schedulers)) scheduler.forget()
}

type Outcomes = [ours: Outcome | Error, theirs: Outcome | Error]

const caseOf = (what: string, [ours, theirs]: Outcomes): Case => ({
  what,
  async ask({ name }) {
    const outcome = name === 'ours' ? ours : theirs
    if (outcome instanceof Error) throw outcome
    return outcome.told
  },
})

const outcomesOf = (both: Both, { ours, theirs }: Schedulers, asked: Asked): Promise<Outcomes> =>
  Promise.all([
    outcomeOf(asked, both.ours, ours).catch((error: Error) => error),
    outcomeOf(asked, both.theirs, theirs).catch((error: Error) => error),
  ])

async function fill(side: Side, { nodes, objects, placed }: World): Promise<void> {
  const merge = 'application/merge-patch+json'
  for (const { path, object } of objects) {
    await side.json('POST', path, object)
    if (object.status)
      await side.json('PATCH', `${path}/${object.metadata.name}/status`, { status: object.status }, merge)
  }
  const one = async (node: Json) => {
    const path = `/api/v1/nodes/${node.metadata.name}`
    await side.json('POST', '/api/v1/nodes', node)
    // New nodes get a taint until they are seen to be ready.
    await side.json('PATCH', path, { spec: { taints: node.spec.taints } }, merge)
    await side.json('PATCH', `${path}/status`, { status: node.status }, merge)
  }
  await Promise.all(nodes.map(one))
  const place = async ({ pod, startTime, ending }: World['placed'][number]) => {
    await side.json('POST', podsPath(pod), pod)
    await run(side, pod, startTime)
    if (ending) await side.json('DELETE', podPath(pod))
  }
  await Promise.all(placed.map(place))
}

const startTimeOf = (serial: number) =>
  new Date(Date.UTC(2026, 0, 2) + serial * 1_000).toISOString().replace('.000', '')

/** Says that it runs, as its node would: of equals preemption chooses those that started last. */
async function run(side: Side, pod: Json, startTime: string): Promise<void> {
  const body = { status: { phase: 'Running', startTime } }
  await side.json('PATCH', `${podPath(pod)}/status`, body, 'application/merge-patch+json')
}

const end = async (side: Side, pods: readonly string[]) => {
  for (const pod of pods) {
    const [namespace, name] = pod.split('/')
    await side.json('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`)
  }
}

/** To the node that kube-scheduler chose among equals. */
async function move(side: Side, pod: Json, nodeName: string): Promise<void> {
  await side.json('DELETE', `${podPath(pod)}?gracePeriodSeconds=0`)
  const moved = { ...pod, spec: { ...pod.spec, nodeName } }
  await side.json('POST', podsPath(pod), moved)
}

async function clear(side: Side): Promise<void> {
  const all = ['/api/v1/nodes', '/api/v1/persistentvolumes', '/apis/storage.k8s.io/v1/csinodes']
  const ofNamespace = Object.keys(namespaces).flatMap(namespace => [
    `/api/v1/namespaces/${namespace}/pods`,
    `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
    `/api/v1/namespaces/${namespace}/events`,
    `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
  ])
  const unhook = 'application/merge-patch+json'
  for (const path of [...ofNamespace, ...all, '/apis/storage.k8s.io/v1/storageclasses'])
    for (const { metadata } of (await side.json('GET', path)).items) {
      const object = `${path}/${metadata.name}`
      // Storage is protected until controllers, which are not there, say that nobody uses it.
      if (metadata.finalizers) await side.json('PATCH', object, { metadata: { finalizers: null } }, unhook)
      await side.ask({ method: 'DELETE', path: `${object}?gracePeriodSeconds=0` })
    }
  for (const { metadata } of (await side.json('GET', '/api/v1/namespaces/default/services')).items)
    if (metadata.name !== 'kubernetes')
      await side.json('DELETE', `/api/v1/namespaces/default/services/${metadata.name}`)
}
