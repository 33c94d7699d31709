import { capital } from '../../base/words.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import { ContainerProber } from '../probe/prober.ts'
import { graceOf } from './decision.ts'
import type { NodeContext } from './node-context.ts'
import { findContainer, hasStarted, isRunning, type Records } from './records.ts'

/** What probes need to know of their pod, and whom to tell. */
export interface ProbedPod {
  pod(): Pod
  podIp(): string
  /** Something that matters for the pod is different now. */
  poke(): void
}

/** The probes of a pod's containers: they begin with a container and end with it. */
export class PodProbes {
  readonly #node: NodeContext
  readonly #records: Records
  readonly #probed: ProbedPod
  readonly #probers = new Map<string, ContainerProber>()
  #takeOver: boolean

  /** @param takeOver the first containers seen ran before us: what was known of them goes on */
  constructor(node: NodeContext, records: Records, probed: ProbedPod, takeOver: boolean) {
    this.#node = node
    this.#records = records
    this.#probed = probed
    this.#takeOver = takeOver
  }

  look(containers: readonly ObservedContainer[]): void {
    const records = this.#records
    const running = new Set<string>()
    for (const observed of containers) {
      if (!isRunning(observed)) continue
      running.add(observed.id)
      if (this.#probers.has(observed.id) || records.ending || !hasStarted(records, observed)) continue
      const spec = findContainer(this.#probed.pod(), observed.name)
      if (spec && (spec.startupProbe || spec.readinessProbe || spec.livenessProbe))
        this.#begin(spec as Container, observed)
    }
    for (const [id, prober] of this.#probers)
      if (!running.has(id)) {
        prober.stop()
        this.#probers.delete(id)
        records.probes.delete(id)
      }
    for (const id of records.kills.keys()) if (!running.has(id)) records.kills.delete(id)
    this.#takeOver = false
  }

  stop(): void {
    for (const prober of this.#probers.values()) prober.stop()
  }

  #begin(container: Container, observed: ObservedContainer): void {
    const { id, name } = observed
    const records = this.#records
    const { poke } = this.#probed
    const prober = new ContainerProber(
      this.#node,
      { pod: this.#probed.pod(), container, id, podIp: this.#probed.podIp(), before: this.#knownOf(id) },
      {
        changed: () => {
          records.probes.set(id, { started: prober.started, ready: prober.ready })
          poke()
        },
        kill: (purpose, probe) => {
          const graceMs =
            probe.terminationGracePeriodSeconds === undefined
              ? graceOf(this.#probed.pod())
              : probe.terminationGracePeriodSeconds * 1000
          const then = this.#probed.pod().spec.restartPolicy === 'Never' ? '' : ', will be restarted'
          records.kills.set(id, { graceMs, message: `Container ${name} failed ${purpose} probe${then}` })
          poke()
        },
        unhealthy: (purpose, output) => {
          if (records.ending) return
          this.#node.events.warning(this.#probed.pod(), 'Unhealthy', `${capital(purpose)} probe failed: ${output}`)
        },
        warned: (purpose, warning) =>
          this.#node.events.warning(
            this.#probed.pod(),
            'ProbeWarning',
            `${capital(purpose)} probe warning: ${warning}`,
          ),
      },
    )
    this.#probers.set(id, prober)
    records.probes.set(id, { started: prober.started, ready: prober.ready })
  }

  /** What an agent before us reported of the container. */
  #knownOf(id: string): { started: boolean; ready: boolean } | undefined {
    if (!this.#takeOver) return undefined
    const { containerStatuses = [], initContainerStatuses = [] } = this.#probed.pod().status ?? {}
    const old = [...containerStatuses, ...initContainerStatuses].find(s => s.containerID?.endsWith(`//${id}`))
    return old && { started: old.started ?? false, ready: old.ready }
  }
}
