import { Gauge, type Registry } from 'prom-client'
import { type HistogramTally, type Tally, TallyCounter, TallyHistogram } from '../base/tallies.ts'
import type { RunnerMetrics } from '../client/index.ts'

const buckets = [0.000_01, 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/** What Kubernetes calls the queues of the same controllers, where that is not our own name: people's dashboards ask for it. */
const upstreamNames: Record<string, string> = {
  'replica-set': 'replicaset',
  'replication-controller': 'replicationmanager',
  'stateful-set': 'statefulset',
  'daemon-set': 'daemonset',
  'cron-job': 'cronjob',
  'horizontal-pod-autoscaler': 'horizontalpodautoscaler',
  'resource-quota': 'resourcequota_primary',
  'cluster-role-aggregation': 'ClusterRoleAggregator',
  'persistent-volume-claim-binder': 'claims',
  'persistent-volume-binder': 'volumes',
  'ephemeral-volume': 'ephemeral_volume',
  'persistent-volume-claim-protection': 'pvcprotection',
  'persistent-volume-protection': 'pvprotection',
  'node-lifecycle': 'node_lifecycle_controller',
  'service-account': 'serviceaccount',
  'root-ca': 'root_ca_cert_publisher',
  'service-account-token': 'serviceaccount_tokens_secret',
  'bootstrap-signer': 'bootstrap_signer_queue',
  'token-cleaner': 'token_cleaner',
  'certificate-signing-request': 'certificate',
  'ttl-after-finished': 'ttl_jobs_to_delete',
  'resource-claim': 'resource_claim',
  endpoints: 'endpoint',
  'endpoint-slice': 'endpoint_slice',
  'endpoint-slice-mirroring': 'endpoint_slice_mirroring',
}

/** What is counted of one queue. */
interface Queue {
  depth: number
  inWorkMs: () => number[]
  adds: Tally
  retries: Tally
  waited: HistogramTally
  worked: HistogramTally
}

/** How the reconcilers' queues do, under the names that Kubernetes gives to its controllers' queues. */
export function queueMetrics(registry: Registry): RunnerMetrics {
  const common = { labelNames: ['name'], registers: [registry] }
  const named = (name: string, help: string) => ({ ...common, name: `workqueue_${name}`, help })
  const adds = new TallyCounter(named('adds_total', 'Keys that were taken up.'))
  const retries = new TallyCounter(named('retries_total', 'Keys that must be tried again.'))
  const waited = new TallyHistogram({ ...named('queue_duration_seconds', 'How long keys waited.'), buckets })
  const worked = new TallyHistogram({ ...named('work_duration_seconds', 'How long work on a key took.'), buckets })
  const queues = new Map<string, Queue>()
  const queueOf = (reconciler: string): Queue => {
    const known = queues.get(reconciler)
    if (known) return known
    const label = { name: upstreamNames[reconciler] ?? reconciler }
    const queue = {
      ...{ depth: 0, inWorkMs: () => [] },
      ...{ adds: adds.of(label), retries: retries.of(label), waited: waited.of(label), worked: worked.of(label) },
    }
    queues.set(reconciler, queue)
    return queue
  }
  /** Asked when somebody looks: what hangs never ends, and would be in no histogram. */
  const whenAsked = (name: string, help: string, of: (queue: Queue) => number) =>
    new Gauge({
      ...named(name, help),
      collect() {
        for (const [reconciler, queue] of queues) this.set({ name: upstreamNames[reconciler] ?? reconciler }, of(queue))
      },
    })
  whenAsked('depth', 'Keys that wait.', ({ depth }) => depth)
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  whenAsked(
    'unfinished_work_seconds',
    'How long keys in work have been worked on, together.',
    q => sum(q.inWorkMs()) / 1000,
  )
  const longest = (values: number[]) => Math.max(0, ...values)
  whenAsked(
    'longest_running_processor_seconds',
    'The same of the one in work for longest.',
    q => longest(q.inWorkMs()) / 1000,
  )
  return {
    opened: (name, inWorkMs) => void (queueOf(name).inWorkMs = inWorkMs),
    depth: (name, keys) => void (queueOf(name).depth = keys),
    waited(name, ms) {
      const queue = queueOf(name)
      queue.adds.inc()
      queue.waited.observe(ms / 1000)
    },
    reconciled(name, outcome, ms) {
      const queue = queueOf(name)
      queue.worked.observe(ms / 1000)
      if (outcome === 'failed') queue.retries.inc()
    },
  }
}
