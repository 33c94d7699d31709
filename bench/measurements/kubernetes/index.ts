import { type BenchCluster, startCluster } from '../../support/cluster.ts'
import { type BenchKubernetes, startKubernetes, whyNoKubernetes, whyNoScheduler } from '../../support/kubernetes.ts'
import { type Measurement, type Row, rounded } from '../../support/measurement.ts'
import { pause } from '../../support/statistics.ts'
import { placing } from './placing.ts'
import { openSide, type Side } from './side.ts'
import { works } from './works.ts'

const restMs = 20_000
/** Of each work on each side, turn about: what disturbs the machine for a while disturbs both. */
const rounds = 3

export const kubernetes: Measurement = {
  name: 'kubernetes',
  about:
    'The same requests over HTTPS with a client certificate to our server and to kube-apiserver with etcd on the same disk, turn about, each work ' +
    `${rounds} times, medians. Both write durably and check, admit and default as they are shipped. Processor time and memory are of all processes of a ` +
    'side: ours has the controllers, the scheduler and a simulated node in them, Kubernetes’ controllers and kubelet are not started, its scheduler only for the last row.',
  async *run(): AsyncIterable<Row> {
    const missing = whyNoKubernetes()
    if (missing) {
      yield { what: 'beside Kubernetes', value: 'not measured', note: missing }
      return
    }
    await using cluster = await startCluster({ runtime: 'simulated' })
    await using theirs = await startKubernetes()
    yield {
      what: 'beside Kubernetes: first start until ready',
      value: `${rounded(cluster.readyMs)} ms; ${theirs.version} ${rounded(theirs.readyMs)} ms`,
      note: 'ours makes its keys and certificates, Kubernetes is given them',
    }
    using ours = await openSide(cluster.api, [cluster.pid])
    using its = await openSide(theirs.api, theirs.pids)
    await pause(restMs)
    yield memory('at rest', ours, its)
    for (const work of works) {
      for (let round = 0; round < rounds; round++)
        for (const side of round % 2 ? [its, ours] : [ours, its]) await side.measure(work)
      yield compared(work.what, ours.of(work), its.of(work))
    }
    await pause(restMs)
    yield memory('with the pods of these rows', ours, its)
    yield await placed(cluster, theirs)
  },
}

function memory(when: string, ours: Side, its: Side): Row {
  const [mine, other] = [ours.residentMb(), its.residentMb()]
  return {
    what: `beside Kubernetes: memory ${when}`,
    value: `${rounded(mine)} MB; Kubernetes ${rounded(other)} MB (${rounded(other / mine, 1)} times)`,
  }
}

async function placed(cluster: BenchCluster, theirs: BenchKubernetes): Promise<Row> {
  const what = 'beside Kubernetes: 3,000 pods created and placed on 500 nodes'
  const missing = whyNoScheduler()
  if (missing) return { what, value: 'not measured', note: missing }
  const mine = await placing(cluster.api)
  await using _scheduler = await theirs.startScheduler()
  await pause(restMs)
  const other = await placing(theirs.api)
  return { what, value: `${rounded(mine)}/s; Kubernetes ${rounded(other)}/s (${rounded(mine / other, 1)} times)` }
}

type Figures = ReturnType<Side['of']>

const compared = (what: string, ours: Figures, its: Figures): Row => ({
  what: `beside Kubernetes: ${what}`,
  value: `${rounded(ours.perSecond, 1)}/s; Kubernetes ${rounded(its.perSecond, 1)}/s (${rounded(ours.perSecond / its.perSecond, 1)} times)`,
  note: `p50 ${rounded(ours.p50Ms, 2)} ms, Kubernetes ${rounded(its.p50Ms, 2)}; p99 ${rounded(ours.p99Ms, 1)} ms, Kubernetes ${rounded(its.p99Ms, 1)}; processor time each ${rounded(ours.cpuMs, 2)} ms, Kubernetes ${rounded(its.cpuMs, 2)}`,
})
