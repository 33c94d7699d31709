import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import type { TransportCall } from '../../client/index.ts'
import type { Runtime, RuntimeCall } from '../../runtime/runtime.ts'
import { ofCalls, ofLives, ofPlacing, ofPulls, ofRequests, ofStarts, ofStatuses, ofVolumes, usual } from './buckets.ts'
import { httpLabels } from './http-paths.ts'
import {
  type CertificateUse,
  type ContainerType,
  type EvictionSignal,
  rejectionReason,
  sizeClass,
  type WorkKind,
} from './label-classes.ts'
import { StartupTimes } from './startup-times.ts'

const httpNames = ['method', 'path', 'server_type', 'long_running']

/**
 * What the agent counts while it works, under kubelet's names, labels and buckets. What can be seen when somebody asks is
 * not in here.
 * @see https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
export class AgentMetrics {
  readonly #families: (TallyCounter | TallyHistogram)[] = []

  readonly #calls = this.#counter('kubelet_runtime_operations_total', 'Calls to the container runtime.', callLabels)
  readonly #answers = this.#counter('kubelet_http_requests_total', 'Requests to this server.', httpNames)
  readonly #answerSeconds = this.#histogram(
    'kubelet_http_requests_duration_seconds',
    'How long requests to this server take.',
    usual,
    httpNames,
  )
  readonly #failedCalls = this.#counter(
    'kubelet_runtime_operations_errors_total',
    'Calls to the container runtime that failed.',
    callLabels,
  )
  readonly #callSeconds = this.#histogram(
    'kubelet_runtime_operations_duration_seconds',
    'How long calls to the container runtime take.',
    ofCalls,
    callLabels,
  )
  readonly #relistSeconds = this.#histogram(
    'kubelet_pleg_relist_duration_seconds',
    'How long it takes to look at all pods of the runtime.',
    usual,
  ).of()
  readonly #relistInterval = this.#histogram(
    'kubelet_pleg_relist_interval_seconds',
    'Time between two looks at all pods of the runtime.',
    usual,
  ).of()
  readonly #podStart = this.#histogram(
    'kubelet_pod_start_duration_seconds',
    'From the first sight of a pod until it runs.',
    ofStarts,
  ).of()
  readonly #podStartSli = this.#histogram(
    'kubelet_pod_start_sli_duration_seconds',
    'From the creation of a pod until all its containers run, less the pulls of its images.',
    ofStarts,
  ).of()
  readonly #podStartTotal = this.#histogram(
    'kubelet_pod_start_total_duration_seconds',
    'From the creation of a pod until all its containers run.',
    ofStarts,
  ).of()
  readonly #work = this.#histogram(
    'kubelet_pod_worker_duration_seconds',
    'How long the steps for a pod take until there is nothing left to do for now.',
    usual,
    callLabels,
  )
  readonly #statusSync = this.#histogram(
    'kubelet_pod_status_sync_duration_seconds',
    'From the first change of a status that the API does not have until the API has it.',
    ofStatuses,
  ).of()
  readonly #orphans = this.#counter(
    'kubelet_orphaned_runtime_pods_total',
    'Pods that were found in the runtime and that nobody had told of.',
  ).of()
  readonly #evictions = this.#counter('kubelet_evictions', 'Pods that the node ended, by the reason.', [
    'eviction_signal',
  ])
  readonly #pods = this.#counter('kubelet_started_pods_total', 'Sandboxes of pods that were to be made.').of()
  readonly #failedPods = this.#counter('kubelet_started_pods_errors_total', 'Sandboxes that could not be made.').of()
  readonly #sandboxSeconds = this.#histogram(
    'kubelet_run_podsandbox_duration_seconds',
    'How long it takes to make a sandbox.',
    usual,
    handlerLabels,
  )
  readonly #failedSandboxes = this.#counter(
    'kubelet_run_podsandbox_errors_total',
    'Sandboxes that could not be made, by runtime handler.',
    handlerLabels,
  )
  readonly #containers = this.#counter('kubelet_started_containers_total', 'Containers that were to be started.', [
    'container_type',
  ])
  readonly #failedContainers = this.#counter(
    'kubelet_started_containers_errors_total',
    'Containers that could not be started, by the reason that people see.',
    ['container_type', 'code'],
  )
  readonly #groups = this.#histogram(
    'kubelet_cgroup_manager_duration_seconds',
    'How long changes of control groups take.',
    usual,
    callLabels,
  )
  readonly #volumes = this.#histogram(
    'storage_operation_duration_seconds',
    'How long it takes to make a volume ready for a pod.',
    ofVolumes,
    ['volume_plugin', 'operation_name', 'status', 'migrated'],
  )
  readonly #notRenewed = {
    client: this.#counter(
      'kubelet_certificate_manager_client_expiration_renew_errors',
      'Attempts to renew the certificate shown to the API server that failed.',
    ).of(),
    server: this.#counter(
      'kubelet_server_expiration_renew_errors',
      "Attempts to renew the certificate of the agent's server that failed.",
    ).of(),
  }
  readonly #serverLife = this.#histogram(
    'kubelet_certificate_manager_server_rotation_seconds',
    "How old the certificate of the agent's server was when another took its place.",
    ofLives,
  ).of()
  readonly #cpusWanted = this.#counter(
    'kubelet_cpu_manager_pinning_requests_total',
    'Containers that asked for processors of their own.',
  ).of()
  readonly #cpusNotGiven = this.#counter(
    'kubelet_cpu_manager_pinning_errors_total',
    'Containers that asked for processors of their own and did not get them.',
  ).of()
  readonly #rejections = this.#counter(
    'kubelet_admission_rejections_total',
    'Pods that the node did not take, by the reason.',
    ['reason'],
  )
  readonly #preemptions = this.#counter(
    'kubelet_preemptions',
    'Times that pods were ended so that a critical one found room, by what was short.',
    ['preemption_signal'],
  )
  readonly #imagesRemoved = this.#counter(
    'kubelet_image_garbage_collected_total',
    'Images removed for want of room, or since they were unused for too long.',
    ['reason'],
  )
  readonly #pullSeconds = this.#histogram(
    'kubelet_image_pull_duration_seconds',
    'How long pulls of images take, by the size of the image.',
    ofPulls,
    ['image_size_in_bytes'],
  )
  readonly #memoryWanted = this.#counter(
    'kubelet_memory_manager_pinning_requests_total',
    'Containers whose memory was to come from chosen NUMA nodes.',
  ).of()
  readonly #memoryNotGiven = this.#counter(
    'kubelet_memory_manager_pinning_errors_total',
    'Containers whose memory was to come from chosen NUMA nodes, of which there were none.',
  ).of()
  readonly #topologyAsked = this.#counter(
    'kubelet_topology_manager_admission_requests_total',
    'Pods that were to be placed on the NUMA nodes of the machine.',
  ).of()
  readonly #topologyRefused = this.#counter(
    'kubelet_topology_manager_admission_errors_total',
    'Pods that could not be placed on the NUMA nodes of the machine as wished.',
  ).of()
  readonly #topologyMs = this.#histogram(
    'kubelet_topology_manager_admission_duration_ms',
    'Milliseconds to place a pod on the NUMA nodes of the machine.',
    ofPlacing,
  ).of()
  readonly #aligned = this.#counter(
    'kubelet_container_aligned_compute_resources_count',
    'Containers, or pods, that were given what they asked for from one place, by the kind of place.',
    ['scope', 'boundary'],
  )
  readonly #requests = this.#counter('rest_client_requests_total', 'Requests to the API server.', [
    'code',
    'host',
    'method',
  ])
  readonly #requestSeconds = this.#histogram(
    'rest_client_request_duration_seconds',
    'How long the API server takes to answer.',
    ofRequests,
    ['host', 'verb'],
  )
  readonly #plugins = this.#counter(
    'kubelet_device_plugin_registration_total',
    'Times that a device plugin registered, by the resource that it offers.',
    ['resource_name'],
  )
  readonly #allocations = this.#histogram(
    'kubelet_device_plugin_alloc_duration_seconds',
    'How long a device plugin takes to hand out devices.',
    usual,
    ['resource_name'],
  )
  readonly #containersPerPod = this.#histogram(
    'kubelet_containers_per_pod_count',
    'Containers of a pod, as it is seen first.',
    [1, 2, 4, 8, 16],
  ).of()
  /** How the node came up. */
  readonly startup = new StartupTimes()
  /** How long the first pod with a network of its own took, less the pulls of its images, in seconds. Undefined: none yet. */
  firstOnNetworkSeconds: number | undefined
  #relistedAtMonoMs: number | undefined

  /** Somebody asked this server. */
  served(method: string, path: string, tookMs: number): void {
    const labels = httpLabels(method, path)
    this.#answers.of(labels).inc()
    this.#answerSeconds.of(labels).observe(tookMs / 1000)
  }

  get families(): readonly (TallyCounter | TallyHistogram)[] {
    return this.#families
  }

  /** Counts the calls to a runtime's server, where there is one. @returns ends it */
  follow(runtime: Pick<Runtime, 'onCall'>): (() => void) | undefined {
    return runtime.onCall?.(call => this.runtimeCalled(call))
  }

  runtimeCalled({ operation, seconds, failed }: RuntimeCall): void {
    const labels = { operation_type: operation }
    this.#calls.of(labels).inc()
    this.#callSeconds.of(labels).observe(seconds)
    if (failed) this.#failedCalls.of(labels).inc()
  }

  /** Everything in the runtime was looked at. */
  relisted(beganMonoMs: number, endedMonoMs: number): void {
    this.#relistSeconds.observe((endedMonoMs - beganMonoMs) / 1000)
    if (this.#relistedAtMonoMs !== undefined)
      this.#relistInterval.observe((beganMonoMs - this.#relistedAtMonoMs) / 1000)
    this.#relistedAtMonoMs = beganMonoMs
  }

  podRuns(secondsSinceSeen: number): void {
    this.#podStart.observe(secondsSinceSeen)
  }

  /** A pod is seen for the first time. */
  podSeen(containers: number): void {
    this.#containersPerPod.observe(containers)
  }

  devicePluginRegistered(resource: string): void {
    this.#plugins.of({ resource_name: resource }).inc()
  }

  devicesAllocated(resource: string, seconds: number): void {
    this.#allocations.of({ resource_name: resource }).observe(seconds)
  }

  /** All containers of a pod run for the first time. The first pod on the pod network shows what setting that up takes. */
  podStarted(about: { hostNetwork: boolean; totalSeconds: number; pullSeconds: number }): void {
    const ownSeconds = about.totalSeconds - about.pullSeconds
    if (!about.hostNetwork) this.firstOnNetworkSeconds ??= ownSeconds
    this.#podStartSli.observe(ownSeconds)
    this.#podStartTotal.observe(about.totalSeconds)
  }

  worked(kind: WorkKind, seconds: number): void {
    this.#work.of({ operation_type: kind }).observe(seconds)
  }

  statusSynced(seconds: number): void {
    this.#statusSync.observe(seconds)
  }

  /** The runtime has a pod that nobody told of. */
  orphanFound(): void {
    this.#orphans.inc()
  }

  evicted(signal: EvictionSignal): void {
    this.#evictions.of({ eviction_signal: signal }).inc()
  }

  sandboxMade(handler: string, seconds: number, failed: boolean): void {
    const labels = { runtime_handler: handler }
    this.#pods.inc()
    this.#sandboxSeconds.of(labels).observe(seconds)
    if (!failed) return
    this.#failedPods.inc()
    this.#failedSandboxes.of(labels).inc()
  }

  /** @param problem the reason that people see; absent: it was started */
  containerStarted(type: ContainerType, problem?: string): void {
    this.#containers.of({ container_type: type }).inc()
    if (problem !== undefined) this.#failedContainers.of({ container_type: type, code: problem }).inc()
  }

  groupChanged(operation: 'create' | 'update' | 'destroy', seconds: number): void {
    this.#groups.of({ operation_type: operation }).observe(seconds)
  }

  /** @param plugin as kubelet names it: `kubernetes.io/configmap` */
  volumeMade(plugin: string, seconds: number, failed: boolean): void {
    const status = failed ? 'fail-unknown' : 'success'
    this.#volumes
      .of({ volume_plugin: plugin, operation_name: 'volume_mount', status, migrated: 'false' })
      .observe(seconds)
  }

  /** A container asks for processors of its own. */
  cpusWanted(): void {
    this.#cpusWanted.inc()
  }

  cpusNotGiven(): void {
    this.#cpusNotGiven.inc()
  }

  /** @param reason that people see */
  podRejected(reason: string): void {
    this.#rejections.of({ reason: rejectionReason(reason) }).inc()
  }

  /** @param short what was missing, `cpu` */
  roomMade(short: string): void {
    this.#preemptions.of({ preemption_signal: short }).inc()
  }

  imageRemoved(reason: 'space' | 'age'): void {
    this.#imagesRemoved.of({ reason }).inc()
  }

  /** @param bytes of the image; 0: not known */
  imagePulled(bytes: number, seconds: number): void {
    this.#pullSeconds.of({ image_size_in_bytes: sizeClass(bytes) }).observe(seconds)
  }

  /** A container's memory is to come from chosen NUMA nodes. */
  memoryWanted(): void {
    this.#memoryWanted.inc()
  }

  memoryNotGiven(): void {
    this.#memoryNotGiven.inc()
  }

  /** A pod was to be placed on NUMA nodes. */
  topologyAsked(ms: number, refused: boolean): void {
    this.#topologyAsked.inc()
    this.#topologyMs.observe(Math.trunc(ms))
    if (refused) this.#topologyRefused.inc()
  }

  /** All that a container, or a pod, asked for came from one NUMA node. */
  topologyAligned(scope: 'container' | 'pod'): void {
    this.#aligned.of({ scope, boundary: 'numa_node' }).inc()
  }

  /** @param seconds the age of the one before */
  certificateRenewed(use: CertificateUse, seconds: number): void {
    if (use === 'server') this.#serverLife.observe(seconds)
  }

  certificateNotRenewed(use: CertificateUse): void {
    this.#notRenewed[use].inc()
  }

  apiCalled({ code, host, method, seconds }: TransportCall): void {
    this.#requests.of({ code, host, method }).inc()
    this.#requestSeconds.of({ host, verb: method }).observe(seconds)
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): TallyCounter {
    const counter = new TallyCounter({ name, help, labelNames, registers: [] })
    this.#families.push(counter)
    return counter
  }

  #histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []) {
    const histogram = new TallyHistogram({ name, help, buckets, labelNames, registers: [] })
    this.#families.push(histogram)
    return histogram
  }
}

const callLabels = ['operation_type']
const handlerLabels = ['runtime_handler']
