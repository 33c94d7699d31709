import type { ContainerId, ObservedContainer, ObservedPod, ObservedSandbox, SandboxId } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'
import type { Container, ContainerStatus, PodSandbox, PodSandboxStatus } from './messages.ts'
import { PodLedger } from './pod-ledger.ts'
import { criLabels } from './spec.ts'

/**
 * Sees what containerd has. Two lists say what there is and in which state; the details of a sandbox or container are asked
 * for once in each of its states, since they do not change within one. A pod to which nothing but our own starts happened
 * since it was listed is known without lists.
 */
export class Observer {
  readonly #connection: Connection
  readonly #owner: string | undefined
  readonly #sandboxes = new Map<SandboxId, ObservedSandbox>()
  readonly #containers = new Map<ContainerId, ObservedContainer>()
  /** Pod of every sandbox and container seen, for events. */
  readonly #podOf = new Map<string, string>()
  // Asked of what we started ourselves before anybody looks.
  readonly #earlySandboxes = new Map<SandboxId, Promise<PodSandboxStatus | undefined>>()
  readonly #earlyStatuses = new Map<ContainerId, Promise<ContainerStatus | undefined>>()
  readonly #ledger = new PodLedger()
  /** Pods of which there is or was something, by uid, as far as known. */
  readonly #pods = new Set<string>()
  /** Everything has been listed once. */
  #complete = false

  constructor(connection: Connection, owner: string | undefined) {
    this.#connection = connection
    this.#owner = owner
  }

  /** The uid of the pod that a sandbox or container belongs to. */
  podOf(id: string): string | undefined {
    return this.#podOf.get(id)
  }

  /** Told of what we started ourselves, so that its first event finds its pod. */
  remember(id: string, podUid: string): void {
    this.#podOf.set(id, podUid)
  }

  /** Whether events tell of every end from now on. */
  set hearing(is: boolean) {
    this.#ledger.trusted = is
  }

  /** Something of one pod, or of any, may have changed by other means than our starts. */
  doubt(podUid?: string): void {
    this.#ledger.doubt(podUid)
  }

  /** As `doubt`, of the pod of a sandbox or container. */
  doubtPodOf(id: string): void {
    this.#ledger.doubt(this.#podOf.get(id))
  }

  /** We are about to make a sandbox. @returns whether there is nothing of its pod yet */
  isNew(podUid: string): boolean {
    const isNew = this.#complete && !this.#pods.has(podUid)
    this.#pods.add(podUid)
    return isNew
  }

  /** A sandbox of ours runs since just now: its address is asked for at once, beside the lists of whoever looks next. */
  sandboxStarted(id: SandboxId, podUid: string, isNew: boolean): void {
    const early = this.#sandboxStatus(id).catch(() => undefined)
    this.#earlySandboxes.set(id, early)
    const look = early.then(status => {
      if (status?.state !== 'SANDBOX_READY' || this.#earlySandboxes.get(id) !== early) return undefined
      const { attempt, name, namespace } = status.metadata
      const about = { id, attempt, state: 'ready' as const, createdAtMs: toMs(status.created_at) }
      const sandbox: ObservedSandbox = { ...about, ips: addressesOf(status) }
      this.#keep(this.#earlySandboxes, this.#sandboxes, sandbox)
      return { uid: podUid, name, namespace, sandboxes: [sandbox], containers: [] }
    })
    if (isNew) this.#ledger.begin(podUid, look)
    else
      this.#ledger.add(
        podUid,
        look.then(made => made && (pod => ({ ...pod, sandboxes: inOrder([...made.sandboxes, ...pod.sandboxes]) }))),
      )
  }

  /** As for a sandbox: its status. */
  containerStarted(id: ContainerId, sandbox: SandboxId): void {
    const early = this.status(id).catch(() => undefined)
    this.#earlyStatuses.set(id, early)
    const podUid = this.#podOf.get(id)
    if (podUid === undefined) return
    const look = early.then(status => {
      if (!status || this.#earlyStatuses.get(id) !== early) return undefined
      const container = describe(status, sandbox)
      this.#keep(this.#earlyStatuses, this.#containers, container)
      return container
    })
    this.#ledger.add(
      podUid,
      look.then(
        started =>
          started &&
          (pod => ({ ...pod, containers: byAge([...pod.containers.filter(other => other.id !== id), started]) })),
      ),
    )
  }

  #keep<T extends { id: string }>(early: Map<string, unknown>, known: Map<string, T>, observed: T): void {
    early.delete(observed.id)
    known.set(observed.id, observed)
  }

  /** Its details changed without a change of state (killed for memory, new resources). */
  forget(id: string): void {
    for (const known of [this.#sandboxes, this.#containers, this.#earlySandboxes, this.#earlyStatuses]) known.delete(id)
    this.#ledger.doubt(this.#podOf.get(id))
  }

  known(id: ContainerId): ObservedContainer | undefined {
    return this.#containers.get(id)
  }

  /** @param podUid only this pod: two short lists, however many others there are */
  async observe(podUid?: string): Promise<ObservedPod[]> {
    if (podUid === undefined) {
      // Now and then everything is seen as it is, whoever changed it.
      this.#ledger.doubt()
      const pods = await this.#list()
      this.#complete = true
      return pods
    }
    const known = await this.#ledger.find(podUid)
    if (known) return [copyOf(known)]
    const keep = this.#ledger.listing(podUid)
    const pods = await this.#list(podUid)
    const found = pods.find(pod => pod.uid === podUid)
    keep(found && copyOf(found))
    return pods
  }

  async #list(podUid?: string): Promise<ObservedPod[]> {
    const ofPod = podUid === undefined ? {} : { [criLabels.podUid]: podUid }
    const filter = { label_selector: this.#owner ? { ...ofPod, [criLabels.owner]: this.#owner } : ofPod }
    // Containers first: one that is in the second list but not in the first belongs to a sandbox that is listed.
    const [{ containers }, { items }] = await Promise.all([
      this.#connection.runtime<{ containers: Container[] }>('ListContainers', { filter: { label_selector: ofPod } }),
      this.#connection.runtime<{ items: PodSandbox[] }>('ListPodSandbox', { filter }),
    ])
    const ours = items.filter(item => item.labels[criLabels.podUid] !== undefined)
    const pods = new Map<string, ObservedPod>()
    const podOfSandbox = new Map<SandboxId, ObservedPod>()
    const seen = new Set<string>()
    const work: Promise<void>[] = []
    for (const item of ours) {
      const { uid, name, namespace } = item.metadata
      let pod = pods.get(uid)
      if (!pod) pods.set(uid, (pod = { uid, name, namespace, sandboxes: [], containers: [] }))
      podOfSandbox.set(item.id, pod)
      this.#pods.add(uid)
      seen.add(item.id)
      this.#podOf.set(item.id, uid)
      const { sandboxes } = pod
      work.push(this.#sandbox(item).then(sandbox => void (sandbox && sandboxes.push(sandbox))))
    }
    for (const item of containers) {
      const pod = podOfSandbox.get(item.pod_sandbox_id)
      if (!pod) continue
      seen.add(item.id)
      this.#podOf.set(item.id, pod.uid)
      work.push(this.#container(item).then(container => void (container && pod.containers.push(container))))
    }
    await Promise.all(work)
    if (podUid === undefined) this.#forgetOthers(seen, pods)
    for (const pod of pods.values()) {
      inOrder(pod.sandboxes)
      byAge(pod.containers)
    }
    return [...pods.values()]
  }

  #forgetOthers(seen: ReadonlySet<string>, pods: ReadonlyMap<string, unknown>): void {
    for (const map of [this.#sandboxes, this.#containers] as Map<string, unknown>[])
      for (const id of map.keys()) if (!seen.has(id)) map.delete(id)
    // An id that is gone may still be named by an event on its way; a few thousand of them are kept.
    if (this.#podOf.size > 4 * seen.size + 4096)
      for (const id of this.#podOf.keys()) if (!seen.has(id)) this.#podOf.delete(id)
    if (this.#pods.size > 4 * pods.size + 4096) for (const uid of this.#pods) if (!pods.has(uid)) this.#pods.delete(uid)
  }

  /** @returns undefined when it went away meanwhile */
  async #sandbox(item: PodSandbox): Promise<ObservedSandbox | undefined> {
    const state = item.state === 'SANDBOX_READY' ? 'ready' : 'stopped'
    const known = this.#sandboxes.get(item.id)
    if (known?.state === state) return { ...known, ips: [...known.ips] }
    const early = await taken(this.#earlySandboxes, item.id)
    const ips = state === 'ready' ? (early ? addressesOf(early) : await this.addresses(item.id)) : []
    if (!ips) return undefined
    const sandbox: ObservedSandbox = {
      id: item.id,
      attempt: item.metadata.attempt,
      state,
      createdAtMs: toMs(item.created_at),
      ips,
    }
    this.#sandboxes.set(item.id, sandbox)
    return { ...sandbox, ips: [...ips] }
  }

  async addresses(id: SandboxId): Promise<string[] | undefined> {
    const status = await this.#sandboxStatus(id)
    return status && addressesOf(status)
  }

  async #sandboxStatus(id: SandboxId): Promise<PodSandboxStatus | undefined> {
    const reply = await goneAsUndefined(
      this.#connection.runtime<{ status: PodSandboxStatus | null }>('PodSandboxStatus', { pod_sandbox_id: id }),
    )
    return reply?.status ?? undefined
  }

  async #container(item: Container): Promise<ObservedContainer | undefined> {
    const known = this.#containers.get(item.id)
    if (known?.state === states[item.state]) return { ...known }
    const early = await taken(this.#earlyStatuses, item.id)
    const status = early?.state === item.state ? early : await this.status(item.id)
    if (!status) return undefined
    const observed = describe(status, item.pod_sandbox_id)
    this.#containers.set(item.id, observed)
    return { ...observed }
  }

  async status(id: ContainerId): Promise<ContainerStatus | undefined> {
    const reply = await goneAsUndefined(
      this.#connection.runtime<{ status: ContainerStatus | null }>('ContainerStatus', { container_id: id }),
    )
    return reply?.status ?? undefined
  }
}

const addressesOf = ({ network }: PodSandboxStatus): string[] =>
  network?.ip ? [network.ip, ...network.additional_ips.map(a => a.ip)] : []

/** The newest first, in place. */
const inOrder = (sandboxes: ObservedSandbox[]) =>
  sandboxes.sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs)

/** The oldest first, in place. */
const byAge = (containers: ObservedContainer[]) => containers.sort((a, b) => a.createdAtMs - b.createdAtMs)

const copyOf = (pod: ObservedPod): ObservedPod => ({
  ...pod,
  sandboxes: pod.sandboxes.map(sandbox => ({ ...sandbox, ips: [...sandbox.ips] })),
  containers: pod.containers.map(container => ({ ...container })),
})

function taken<T>(map: Map<string, Promise<T>>, id: string): Promise<T> | undefined {
  const found = map.get(id)
  map.delete(id)
  return found
}

const states: Record<ContainerStatus['state'], ObservedContainer['state']> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
}

/** A container's status in our words. */
export function describe(status: ContainerStatus, sandbox: SandboxId): ObservedContainer {
  const state = wasBrokenOff(status) ? 'created' : states[status.state]
  const observed: ObservedContainer = {
    id: status.id,
    sandbox,
    name: status.metadata.name,
    attempt: status.metadata.attempt,
    image: status.image?.image ?? '',
    imageRef: status.image_ref,
    state,
    createdAtMs: toMs(status.created_at),
    labels: status.labels,
    annotations: status.annotations,
    logPath: status.log_path,
  }
  if (status.started_at) observed.startedAtMs = toMs(status.started_at)
  if (state !== 'exited' && state !== 'unknown') return observed
  // A program that ends at once may have ended before containerd took down the time of its start.
  if (status.finished_at) observed.finishedAtMs = Math.max(toMs(status.finished_at), observed.startedAtMs ?? 0)
  observed.exitCode = status.exit_code
  if (status.exit_code > 128 && status.exit_code < 128 + 65) observed.signal = status.exit_code - 128
  observed.reason = status.reason || (status.exit_code === 0 ? 'Completed' : 'Error')
  if (status.message) observed.message = status.message
  return observed
}

/**
 * Whoever asked containerd to start it went away meanwhile, and containerd gave up: its program has not run, or only for the
 * moment in which containerd killed it. That is no end of a container that people should see or that counts as a restart.
 */
function wasBrokenOff({ state, reason, started_at, message }: ContainerStatus): boolean {
  return (
    state === 'CONTAINER_EXITED' && reason === 'StartError' && !started_at && /context cancell?ed/.test(message ?? '')
  )
}

function toMs(nanoseconds: number): number {
  return Math.floor(nanoseconds / 1e6)
}

export async function goneAsUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof CallFailed && error.notFound) return undefined
    throw error
  }
}
