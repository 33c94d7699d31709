import { seededRandom } from '../../base/random.ts'
import { createEventRecorder } from '../../client/index.ts'
import { createBench } from '../../client/testing/index.ts'
import { createScheduler } from '../scheduler.ts'
import { makeNode, makePod } from './index.ts'

interface Group {
  name: string
  size: number
  minMember: number
  cpu: number
}

/**
 * Gangs that want each other's place arrive in any order, while bindings fail, nodes come, and finished gangs leave.
 * @returns what went wrong: a gang of which some but too few members have a node, or a gang that would fit and waits
 */
export async function checkGangs(seed: number): Promise<string | undefined> {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random.next() * n)
  const chance = (p: number) => random.next() < p
  const bench = createBench()
  const { api, clock } = bench
  const nodeCount = 2 + below(3)
  const addNode = (i: number) => api.put(`/api/v1/nodes/n${i}`, makeNode(`n${i}`, { allocatable: { cpu: '4' } }))
  for (let i = 0; i < nodeCount; i++) addNode(i)
  const groups: Group[] = Array.from({ length: 2 + below(3) }, (_, i) => {
    const size = 2 + below(4)
    return { name: `g${i}`, size, minMember: chance(0.7) ? size : size - 1, cpu: 1 + below(3) }
  })
  const podPath = (name: string) => `/api/v1/namespaces/default/pods/${name}`
  const groupPath = (name: string) => `/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups/${name}`
  const placedOf = ({ name, size }: Group) =>
    Array.from({ length: size }, (_, i) => api.objects.get(podPath(`${name}-${i}`))).filter(p => p?.['spec'].nodeName)

  let partial: string | undefined
  const failing = chance(0.5) ? 0.3 : 0
  api.intercept = request => {
    if (request.url.endsWith('/binding') && chance(failing)) throw new Error('connection reset')
    return undefined
  }
  const events = createEventRecorder({ ...bench, component: 'default-scheduler' })
  const scheduler = createScheduler({ ...bench, events })
  const started = scheduler.start()
  await clock.advance(10)
  await started

  const arrivals = groups.flatMap(g => [
    () =>
      api.put(groupPath(g.name), { kind: 'PodGroup', spec: { minMember: g.minMember, scheduleTimeoutSeconds: 600 } }),
    ...Array.from({ length: g.size }, (_, i) => () => {
      const labels = { 'scheduling.x-k8s.io/pod-group': g.name }
      api.put(podPath(`${g.name}-${i}`), makePod(`${g.name}-${i}`, { labels, requests: { cpu: `${g.cpu}` } }))
    }),
  ])
  const pending = [...arrivals, () => chance(0.5) && addNode(nodeCount)]
  while (pending.length) {
    pending.splice(below(pending.length), 1)[0]!()
    if (chance(0.4)) await clock.advance(below(3_000))
  }
  const finished = new Set<Group>()
  for (let round = 0; round < groups.length + 1; round++) {
    await clock.advance(60_000)
    for (const group of groups) {
      const placed = placedOf(group).length
      if (!finished.has(group) && placed > 0 && placed < group.minMember)
        partial ??= `seed ${seed}: ${placed} of ${group.minMember} of ${group.name} have a node`
    }
    // One of those that run ends, and makes room.
    const done = groups.find(g => !finished.has(g) && placedOf(g).length >= g.minMember)
    if (!done) break
    finished.add(done)
    for (let i = 0; i < done.size; i++) api.remove(podPath(`${done.name}-${i}`))
  }
  const nodes = [...api.objects.keys()].filter(key => key.startsWith('/api/v1/nodes/')).length
  const stuck = groups.find(g => !finished.has(g) && g.minMember <= nodes * Math.floor(4 / g.cpu))
  await scheduler.stop()
  await bench.informers[Symbol.asyncDispose]()
  if (partial) return partial
  return stuck && `seed ${seed}: ${stuck.name} would fit and waits`
}
