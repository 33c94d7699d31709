import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
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

/** How the reconcilers' queues do, under the names that Kubernetes gives to its controllers' queues. */
export function queueMetrics(registry: Registry): RunnerMetrics {
  const common = { labelNames: ['name'], registers: [registry] }
  const label = (reconciler: string) => ({ name: upstreamNames[reconciler] ?? reconciler })
  const depth = new Gauge({ ...common, name: 'workqueue_depth', help: 'Keys that wait.' })
  const adds = new Counter({ ...common, name: 'workqueue_adds_total', help: 'Keys that were taken up.' })
  const retries = new Counter({ ...common, name: 'workqueue_retries_total', help: 'Keys that must be tried again.' })
  const waited = new Histogram({
    ...common,
    name: 'workqueue_queue_duration_seconds',
    help: 'How long keys waited.',
    buckets,
  })
  const worked = new Histogram({
    ...common,
    name: 'workqueue_work_duration_seconds',
    help: 'How long work on a key took.',
    buckets,
  })
  const opened = new Map<string, () => number[]>()
  /** Asked when somebody looks: what hangs never ends, and would be in no histogram. */
  const whenAsked = (name: string, help: string, of: (inWorkMs: number[]) => number) =>
    new Gauge({
      ...{ ...common, name, help },
      collect() {
        for (const [reconciler, inWorkMs] of opened) this.set(label(reconciler), of(inWorkMs()) / 1000)
      },
    })
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  whenAsked('workqueue_unfinished_work_seconds', 'How long keys in work have been worked on, together.', sum)
  const longest = (values: number[]) => Math.max(0, ...values)
  whenAsked('workqueue_longest_running_processor_seconds', 'The same of the one in work for longest.', longest)
  return {
    opened: (name, inWorkMs) => void opened.set(name, inWorkMs),
    depth: (name, keys) => depth.set(label(name), keys),
    waited(name, ms) {
      adds.inc(label(name))
      waited.observe(label(name), ms / 1000)
    },
    reconciled(name, outcome, ms) {
      worked.observe(label(name), ms / 1000)
      if (outcome === 'failed') retries.inc(label(name))
    },
  }
}
