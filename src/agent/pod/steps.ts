import { dirname, join } from 'node:path'
import { explain, OptiFlowError } from '../../base/errors.ts'
import { bandwidthOf } from '../../models/bandwidth.ts'
import { hostPortsOf } from '../../models/host-ports.ts'
import { ConfigMap } from '../../models/kinds/core/config-map.ts'
import { Secret } from '../../models/kinds/core/secret.ts'
import { RuntimeClass } from '../../models/kinds/node/runtime-class.ts'
import type { Container, LifecycleHandler, Pod } from '../../models/types/core-v1.ts'
import type { ContainerId, ImageRef, Mount, ObservedContainer, SandboxId } from '../../runtime/runtime.ts'
import { ContainerStartFailed } from '../../runtime/runtime.ts'
import { abortable } from '../abortable.ts'
import { grantedBy, withGranted } from '../device/grants.ts'
import type { ContainerType } from '../metrics/label-classes.ts'
import type { Target } from '../probe/handlers.ts'
import { canRecurse, settleRecursion, wantsRecursion } from '../volume/recursive-read-only.ts'
import { ContainerConfigInvalid } from './config-invalid.ts'
import { containerSpec, defaultMessagePath, logFolderOf, sandboxSpec } from './container-spec.ts'
import type { PodFacts } from './downward.ts'
import { environmentOf } from './environment.ts'
import { expand } from './expansion.ts'
import { runHook } from './hooks.ts'
import { dnsOf, hostnameOf, hostsFile } from './name-resolution.ts'
import type { NodeContext } from './node-context.ts'
import type { PodContainer } from './records.ts'
import { containerResources } from './resources.ts'
import { checkNonRoot, containerSecurity, mustNotBeRoot } from './security.ts'
import { StepFailed } from './step-failed.ts'
import { messageFile, terminationMessage } from './termination-message.ts'

/** A container gets at least this long after the stop signal, whatever used up the grace period. */
const leastMs = 2_000
const hookTimeoutMs = 600_000

/** How each step for a pod is carried out. What goes wrong is thrown as StepFailed, with an event for people. */
export class Steps {
  readonly #node: NodeContext

  constructor(node: NodeContext) {
    this.#node = node
  }

  /** Devices that the pod claims are made ready first, as its volumes may be theirs. */
  async setUpVolumes(facts: PodFacts, signal: AbortSignal): Promise<ReadonlyMap<string, StepFailed>> {
    await this.#prepareClaims(facts.pod)
    try {
      return await this.#node.volumes.setUp(facts, signal)
    } catch (cause) {
      if (signal.aborted) throw cause
      this.#node.events.warning(facts.pod, 'FailedMount', explain(cause))
      throw new StepFailed('FailedMount', explain(cause), { cause })
    }
  }

  /** The last of a pod that goes for good; of what the runtime lost it knows no logs either. */
  async clearAway(pod: Pod): Promise<void> {
    const { files, disk, logFolder } = this.#node
    await this.tearDown(pod.metadata.uid!)
    if (files) await disk.remove(logFolderOf(pod, logFolder))
  }

  async #prepareClaims(pod: Pod): Promise<void> {
    const { claims, events } = this.#node
    if (!pod.spec.resourceClaims?.length) return
    try {
      if (!claims) throw new Error('this node takes no drivers of claimed devices')
      await claims.prepare(pod)
    } catch (cause) {
      const why = `Failed to prepare dynamic resources: ${explain(cause)}`
      events.warning(pod, 'FailedPrepareDynamicResources', why)
      throw new StepFailed('FailedPrepareDynamicResources', why, { cause })
    }
  }

  /** Control groups, volumes and claimed devices of a pod of which nothing runs any more. */
  async tearDown(uid: string): Promise<void> {
    const { groups, claims, volumes, disk, folder } = this.#node
    const gone = (await groups?.remove(uid)) ?? true
    await claims?.unprepare(uid)
    await volumes.tearDown(uid)
    // What holds on to the group lets go soon. By the folder an agent after us tells that the group was its node's.
    if (!gone) await disk.makeFolder(join(folder, 'pods', uid), { mode: 0o750 })
  }

  async runSandbox(pod: Pod, attempt: number, signal: AbortSignal): Promise<SandboxId> {
    const { runtime, events, starts, nodeName, clusterDns, clusterDomain, hostDns, logFolder, disk, files } = this.#node
    const folder = logFolderOf(pod, logFolder)
    try {
      // containerd would refuse it too, but leave a network namespace behind each time.
      bandwidthOf(pod.metadata.annotations ?? {})
      const [cgroupParent] = await Promise.all([this.#makeGroup(pod), files ? disk.makeFolder(folder) : undefined])
      const spec = sandboxSpec(pod, {
        attempt,
        hostname: hostnameOf(pod, nodeName, clusterDomain),
        dns: dnsOf(pod, { servers: clusterDns, domain: clusterDomain }, hostDns()),
        logFolder: folder,
        runtimeHandler: await this.#runtimeHandler(pod),
        cgroupParent,
      })
      return await starts.run(() => this.#timed(spec.runtimeHandler, runtime.runSandbox(spec, signal), signal), signal)
    } catch (cause) {
      if (signal.aborted || cause instanceof StepFailed) throw cause
      events.warning(pod, 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${explain(cause)}`)
      throw new StepFailed('CreatePodSandboxError', explain(cause), { cause })
    }
  }

  async #timed<T>(handler: string, making: Promise<T>, signal: AbortSignal): Promise<T> {
    const { metrics, clock } = this.#node
    const began = clock.monotonicMs()
    const tell = (failed: boolean) => metrics?.sandboxMade(handler, (clock.monotonicMs() - began) / 1000, failed)
    try {
      const made = await making
      tell(false)
      return made
    } catch (error) {
      if (!signal.aborted) tell(true)
      throw error
    }
  }

  async #makeGroup(pod: Pod): Promise<string> {
    const { groups } = this.#node
    if (!groups) return ''
    const group = await this.#inGroup(pod, groups.make(pod))
    // While the sandbox comes up, which needs next to nothing; containers wait for it.
    groups.bound(pod).catch(() => {})
    return group
  }

  /** The pod's group holds what runs in it to its bounds. */
  async bound(pod: Pod): Promise<void> {
    const { groups } = this.#node
    if (groups) await this.#inGroup(pod, groups.bound(pod))
  }

  async #inGroup<T>(pod: Pod, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      const why = `unable to ensure pod container exists: ${explain(cause)}`
      this.#node.events.warning(pod, 'FailedToCreatePodContainer', why)
      throw new StepFailed('FailedToCreatePodContainer', explain(cause), { cause })
    }
  }

  async getImage(pod: Pod, container: PodContainer, signal: AbortSignal): Promise<ImageRef> {
    try {
      return await this.#node.images.provide(pod, container, signal)
    } catch (error) {
      if (error instanceof StepFailed) this.#node.metrics?.containerStarted(typeOf(pod, container.name), error.reason)
      throw error
    }
  }

  /** Other resources for a container that runs. */
  async resize(pod: Pod, container: Container, id: ContainerId): Promise<void> {
    const { runtime, events, groups, memory, cpuQuotas } = this.#node
    try {
      // The pod's own bounds must be wide enough before, and can only be narrow enough after.
      await groups?.resize(pod).catch(() => {})
      await runtime.updateResources(id, containerResources(pod, container, memory, cpuQuotas))
      await groups?.resize(pod)
    } catch (cause) {
      events.warning(pod, 'ResizeError', `Error resizing container ${container.name}: ${explain(cause)}`)
      throw new StepFailed('ResizeError', explain(cause), { cause })
    }
  }

  /** Creates and starts a container and waits for its postStart hook. */
  async start(
    facts: PodFacts,
    container: PodContainer,
    about: { sandbox: SandboxId; attempt: number; imageRef: ImageRef; graceMs: number; target?: ContainerId },
    signal: AbortSignal,
  ): Promise<void> {
    const { runtime, events, starts, metrics } = this.#node
    const { pod } = facts
    const { sandbox, attempt, imageRef } = about
    try {
      const spec = await this.#describe(facts, container, attempt, imageRef, about.target)
      await this.#limitBandwidth(pod, sandbox)
      // So that who sees the pod Ready reaches it there too.
      if (hostPortsOf(pod).length) await this.#node.openHostPorts?.(pod, facts.podIps)
      // A pod that is told to end may still wait here in vain; what the runtime has begun runs first and is then stopped.
      const id = await starts.run(() => runtime.start(sandbox, spec), signal)
      metrics?.containerStarted(typeOf(pod, container.name))
      events.normal(pod, 'Created', `Created container: ${container.name}`)
      events.normal(pod, 'Started', `Started container ${container.name}`)
      await this.#postStart(facts, container, id, about.graceMs, signal)
    } catch (error) {
      if (signal.aborted || error instanceof StepFailed) throw error
      const reason =
        error instanceof ContainerConfigInvalid
          ? 'CreateContainerConfigError'
          : error instanceof ContainerStartFailed
            ? error.reason
            : 'CreateContainerError'
      metrics?.containerStarted(typeOf(pod, container.name), reason)
      const why = told(error)
      events.warning(pod, 'Failed', `Error: ${why}`)
      throw new StepFailed(reason, why, { cause: error })
    }
  }

  /** Before each container: so none runs without, whenever an agent ended. */
  async #limitBandwidth({ metadata: { annotations = {} } }: Pod, sandbox: SandboxId): Promise<void> {
    const { runtime, limitBandwidth } = this.#node
    const bandwidth = bandwidthOf(annotations)
    if (!limitBandwidth || !(bandwidth.ingress || bandwidth.egress)) return
    const netns = await runtime.networkNamespace?.(sandbox)
    if (netns) await limitBandwidth(netns, bandwidth)
  }

  async #postStart(
    { pod, podIps }: PodFacts,
    container: PodContainer,
    id: ContainerId,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const handler = container.lifecycle?.postStart
    if (!handler) return
    const target: Target = { container, id, podIp: podIps[0] ?? '' }
    const problem = await this.#runHook(pod, handler, target, hookTimeoutMs, signal)
    signal.throwIfAborted()
    if (problem === undefined) return
    this.#node.events.warning(pod, 'FailedPostStartHook', `PostStartHook failed: ${problem}`)
    this.#node.events.normal(pod, 'Killing', `FailedPostStartHook`)
    await this.#node.runtime.stop(id, graceMs)
    throw new StepFailed('PostStartHookError', problem)
  }

  async #describe(
    facts: PodFacts,
    container: PodContainer,
    attempt: number,
    imageRef: ImageRef,
    target: ContainerId | undefined,
  ) {
    const { runtime, objects, volumes, services, memory, files } = this.#node
    const { pod } = facts
    const env = await environmentOf(container, facts, {
      configMap: (namespace, name) => objects.get(ConfigMap, { namespace, name }),
      secret: (namespace, name) => objects.get(Secret, { namespace, name }),
      services,
    })
    const security = containerSecurity(pod, container, this.#node.seccompDefault)
    if (mustNotBeRoot(pod, container)) {
      const image = (await runtime.images()).find(i => i.ref === imageRef || i.names.includes(container.image ?? ''))
      checkNonRoot(pod, container, image)
    }
    const values = new Map(env.map(({ name, value }) => [name, value]))
    const expandAll = (text: string) =>
      expand(text, name => {
        if (!values.has(name))
          throw new ContainerConfigInvalid(`subPathExpr of container ${container.name} names ${name}, which is not set`)
        return values.get(name)
      })
    const place = this.#node.shares()?.placeOf(pod, container as Container)
    const settled = wantsRecursion(container) ? settleRecursion(container, await this.#canRecurse(pod)) : container
    const mounts = await volumes.mounts(pod, settled, expandAll)
    if (files) mounts.push(...(await this.#ownFiles(facts, container, attempt, mounts)))
    const granted = grantedBy((await this.#node.devices?.allocate(pod, container as Container)) ?? [])
    const devices = [...volumes.devices(pod, container), ...granted.devices]
    const claimed = this.#node.claims?.cdiDevices(pod, container as Container) ?? []
    const cdiDevices = [...new Set([...granted.cdiDevices, ...claimed])]
    return containerSpec(pod, container, {
      attempt,
      imageRef,
      env: withGranted(granted.env, env),
      mounts: [...mounts, ...granted.mounts],
      security,
      annotations: granted.annotations,
      ...(devices.length ? { devices } : {}),
      ...(cdiDevices.length ? { cdiDevices } : {}),
      resources: {
        ...containerResources(pod, container as Container, memory, this.#node.cpuQuotas),
        ...(place?.cpusetCpus ? { cpusetCpus: place.cpusetCpus } : {}),
        ...(place?.cpusetMems ? { cpusetMems: place.cpusetMems } : {}),
      },
      ownCpus: place?.ownCpus,
      ...(target ? { processNamespaceOf: target } : {}),
    })
  }

  /** /etc/hosts, and the file for the container's last words. */
  async #ownFiles({ pod, podIps }: PodFacts, container: PodContainer, attempt: number, mounts: Mount[]) {
    const { disk, folder, clusterDomain } = this.#node
    const uid = pod.metadata.uid!
    const mount = (hostPath: string, containerPath: string): Mount => ({
      ...{ hostPath, containerPath },
      ...{ readOnly: false, propagation: 'private' },
    })
    const hosts = async () => {
      if (mounts.some(m => m.containerPath === '/etc/hosts')) return []
      const path = join(folder, 'pods', uid, 'etc-hosts')
      const host = pod.spec.hostNetwork ? await disk.readText('/etc/hosts').catch(() => '') : ''
      await this.#writeFile(path, hostsFile(pod, podIps, clusterDomain, host), 0o644)
      return [mount(path, '/etc/hosts')]
    }
    const lastWords = async () => {
      const path = messageFile(folder, uid, container.name, attempt)
      await this.#writeFile(path, '', 0o666)
      return [mount(path, container.terminationMessagePath || defaultMessagePath)]
    }
    return (await Promise.all([hosts(), lastWords()])).flat()
  }

  /** In place, since the file may be mounted already. */
  async #writeFile(path: string, text: string, mode: number): Promise<void> {
    const { disk } = this.#node
    await disk.makeFolder(dirname(path))
    const file = await disk.open(path, 'w')
    try {
      if (text) await file.write(text)
    } finally {
      await file.close()
    }
    await disk.chmod(path, mode)
  }

  async #canRecurse(pod: Pod): Promise<boolean> {
    const { handlers } = await this.#node.runtime.status()
    return canRecurse(handlers, await this.#runtimeHandler(pod))
  }

  async #runtimeHandler(pod: Pod): Promise<string> {
    const name = pod.spec.runtimeClassName
    if (!name) return ''
    const found = await this.#node.objects.get(RuntimeClass, { name })
    if (!found) throw new Error(`RuntimeClass "${name}" not found`)
    return found.handler
  }

  /** @returns the container's last words */
  async readEnd(pod: Pod, container: ObservedContainer): Promise<string> {
    if (!this.#node.files) return container.message ?? ''
    return terminationMessage(this.#node, pod.metadata.uid!, container)
  }

  #runHook(pod: Pod, handler: LifecycleHandler, target: Target, timeoutMs: number, signal: AbortSignal) {
    const fellBack = (host: string) => {
      const message = `request to HTTPS lifecycle hook ${host} got HTTP response, retry with HTTP succeeded`
      this.#node.events.warning(pod, 'LifecycleHTTPFallback', message)
    }
    return runHook(this.#node, handler, target, { timeoutMs, fellBack }, signal)
  }

  /** Runs the hook that comes before the stop signal. What goes wrong is told, and keeps nothing alive. @param hurry ends it early */
  async preStop(
    pod: Pod,
    container: PodContainer,
    id: ContainerId,
    { graceMs, podIp }: { graceMs: number; podIp: string },
    hurry: AbortSignal,
  ): Promise<void> {
    const handler = container.lifecycle?.preStop
    if (!handler || graceMs <= 0) return
    const problem = await this.#runHook(pod, handler, { container, id, podIp }, graceMs, hurry)
    if (problem === undefined || hurry.aborted) return
    this.#node.events.warning(pod, 'FailedPreStopHook', `PreStopHook failed: ${problem}`)
  }

  /**
   * preStop, then the stop signal, all within the grace period; then SIGKILL. After the signal there are always two seconds.
   * @param container undefined: its hook is not to be run
   * @param hurry ends the hook early
   */
  async kill(
    pod: Pod,
    container: PodContainer | undefined,
    { id }: ObservedContainer,
    about: { graceMs: number; podIp: string },
    hurry: AbortSignal,
  ): Promise<void> {
    const { runtime, clock } = this.#node
    const began = clock.monotonicMs()
    if (container) await this.preStop(pod, container, id, about, hurry)
    if (hurry.aborted) return
    const remainingMs = Math.max(about.graceMs - (clock.monotonicMs() - began), leastMs)
    // In a hurry somebody else stops it with less time; what we asked for need not be waited for.
    await abortable(runtime.stop(id, remainingMs), hurry).catch(error => {
      if (!hurry.aborted) throw error
    })
  }
}

function typeOf({ spec }: Pod, name: string): ContainerType {
  if (spec.initContainers?.some(container => container.name === name)) return 'init_container'
  return spec.containers.some(container => container.name === name) ? 'container' : 'ephemeral_container'
}

/** What went wrong, and what to do where the error knows it. */
const told = (error: unknown): string =>
  error instanceof OptiFlowError && error.hint ? `${explain(error)}. ${error.hint}` : explain(error)
