import type { Clock } from '../../base/clock.ts'
import { type Commands, systemCommands } from '../../base/commands.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import { type Fifos, systemFifos } from '../../base/fifo.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import {
  type ContainerId,
  type ContainerResources,
  type ContainerSpec,
  ContainerStartFailed,
  type ExecResult,
  type ImageInfo,
  type ImageRef,
  type LogOptions,
  type ObservedPod,
  type PodUsage,
  type PullOptions,
  type Runtime,
  type RuntimeCall,
  RuntimeFailed,
  RuntimeUnavailable,
  type SandboxId,
  type SandboxSpec,
  type Streams,
} from '../runtime.ts'
import { readCdiFiles, withCdiDevices } from './cdi.ts'
import { ChangeFeed } from './change-feed.ts'
import { checkpointContainer } from './checkpoint.ts'
import { CallFailed, Connection } from './connection.ts'
import { ContainerdContents } from './containerd-contents.ts'
import { joinPort, joinStreams } from './cri-streams.ts'
import { type ExecWorld, execTask, plain } from './exec.ts'
import { execSync } from './exec-sync.ts'
import { collectGarbage } from './garbage.ts'
import { CriImages } from './images.ts'
import { removeIfEmpty, removeLogs, rotateFiles } from './log-files.ts'
import { readLog } from './logs.ts'
import type { PodSandboxConfig } from './messages.ts'
import { networkNamespaceOf, sandboxImageOf } from './network-namespace.ts'
import { forgetRecords, isTornRecord } from './network-record.ts'
import { goneAsUndefined, Observer } from './observer.ts'
import { removeContainer } from './remove-container.ts'
import { containerConfig, resources, sandboxConfig } from './spec.ts'
import { readStatus } from './status.ts'
import { readUsage } from './usage.ts'

export interface ContainerdOptions {
  /** Path of the CRI socket: our own containerd's, the machine's, or CRI-O's. */
  socket: string
  clock: Clock
  random: Random
  log: Logger
  disk?: Disk
  commands?: Commands
  fifos?: Fifos
  /** Only sandboxes with this mark are ours; for several agents on one containerd. */
  owner?: string
  /** Folder for the pipes of exec. Default /run/optiflow/exec. */
  pipeFolder?: string
}

/** A Runtime on CRI v1. Connects at the first call and again whenever the server is back. */
export function openContainerd(options: ContainerdOptions): Runtime {
  return new ContainerdRuntime(options)
}

class ContainerdRuntime implements Runtime {
  readonly name = 'containerd'
  readonly contents: ContainerdContents
  readonly #connection: Connection
  readonly #observer: Observer
  readonly #changes: ChangeFeed
  readonly #images: CriImages
  readonly #owner: string | undefined
  readonly #world: ExecWorld
  #sandboxImage: string | undefined
  /** What each sandbox was made from; asked of containerd again after our restart. */
  readonly #configs = new Map<SandboxId, PodSandboxConfig>()

  constructor(options: ContainerdOptions) {
    this.#owner = options.owner
    this.#connection = new Connection(options.socket, options.clock)
    this.#images = new CriImages(this.#connection, options.clock)
    this.#observer = new Observer(this.#connection, options.owner)
    this.#changes = new ChangeFeed(this.#connection, this.#observer, options.clock, options.log)
    this.#world = {
      connection: this.#connection,
      disk: options.disk ?? systemDisk,
      commands: options.commands ?? systemCommands,
      fifos: options.fifos ?? systemFifos,
      clock: options.clock,
      random: options.random,
      pipeFolder: options.pipeFolder ?? '/run/optiflow/exec',
    }
    this.contents = new ContainerdContents({
      ...this.#world,
      version: () => this.version(),
      imageFolder: async () => (await this.imageFilesystem()).path,
    })
  }

  async version() {
    const reply = await this.#connection.runtime<{ runtime_name: string; runtime_version: string }>('Version', {})
    return { name: reply.runtime_name, version: reply.runtime_version }
  }

  status() {
    return readStatus(this.#connection)
  }

  imagePresent(image: string) {
    return this.#images.present(image)
  }

  pull(image: string, options: PullOptions, signal: AbortSignal): Promise<ImageRef> {
    return this.#images.pull(image, options, signal)
  }

  images(): Promise<ImageInfo[]> {
    return this.#images.list()
  }

  removeImage(image: ImageRef) {
    return this.#images.remove(image)
  }

  imageFilesystem() {
    return this.#images.usage()
  }

  freeRemoved() {
    return collectGarbage(this.#connection)
  }

  async runSandbox(pod: SandboxSpec, signal: AbortSignal): Promise<SandboxId> {
    const config = sandboxConfig(pod, this.#owner)
    const isNew = this.#observer.isNew(pod.uid)
    try {
      const { pod_sandbox_id: id } = await this.#connection.runtime<{ pod_sandbox_id: string }>(
        'RunPodSandbox',
        { config, runtime_handler: pod.runtimeHandler },
        { signal, timeoutMs: 240_000 },
      )
      this.#configs.set(id, config)
      this.#observer.remember(id, pod.uid)
      this.#observer.sandboxStarted(id, pod.uid, isNew)
      return id
    } catch (error) {
      this.#observer.doubt(pod.uid)
      throw this.#failed(`cannot start the sandbox of ${pod.namespace}/${pod.name}`, error)
    }
  }

  networkNamespace(sandbox: SandboxId): Promise<string | undefined> {
    return networkNamespaceOf(this.#connection, sandbox)
  }

  /** Asked once: a runtime has the same for all. */
  async sandboxImage(sandbox: SandboxId): Promise<string | undefined> {
    this.#sandboxImage ??= await sandboxImageOf(this.#connection, sandbox)
    return this.#sandboxImage
  }

  async start(sandbox: SandboxId, spec: ContainerSpec): Promise<ContainerId> {
    const id = await this.#create(sandbox, spec)
    try {
      await this.#connection.runtime('StartContainer', { container_id: id }, { timeoutMs: 240_000 })
      this.#observer.containerStarted(id, sandbox)
      return id
    } catch (error) {
      this.#observer.doubtPodOf(id)
      if (!(error instanceof CallFailed)) throw error
      throw new ContainerStartFailed('RunContainerError', plain(error.details), { cause: error })
    }
  }

  async #create(sandbox: SandboxId, spec: ContainerSpec): Promise<ContainerId> {
    try {
      const pod = this.#configs.get(sandbox) ?? (await this.#readConfig(sandbox))
      const config = containerConfig(await this.#withDevices(spec), pod)
      // The log is opened when the container starts.
      const [{ container_id }] = await Promise.all([
        this.#connection.runtime<{ container_id: string }>(
          'CreateContainer',
          { pod_sandbox_id: sandbox, config, sandbox_config: pod },
          { timeoutMs: 240_000 },
        ),
        this.#world.disk.makeFolder(`${pod.log_directory}/${spec.name}`),
      ])
      this.#observer.remember(container_id, pod.metadata.uid)
      return container_id
    } catch (error) {
      this.#observer.doubtPodOf(sandbox)
      if (!(error instanceof CallFailed)) throw error
      throw new ContainerStartFailed('CreateContainerError', plain(error.details), { cause: error })
    }
  }

  async #withDevices(spec: ContainerSpec): Promise<ContainerSpec> {
    if (!spec.cdiDevices?.length) return spec
    const { name, version } = await this.version()
    const before = name === 'containerd' && /^v?1\.[0-6]\./.test(version)
    return before ? withCdiDevices(spec, await readCdiFiles(this.#world.disk)) : spec
  }

  /** After our restart: what the sandbox was made from, as containerd kept it. */
  async #readConfig(sandbox: SandboxId): Promise<PodSandboxConfig> {
    const { info } = await this.#connection.runtime<{ info: Record<string, string> }>('PodSandboxStatus', {
      pod_sandbox_id: sandbox,
      verbose: true,
    })
    const config = (JSON.parse(info['info'] ?? '{}') as { config?: PodSandboxConfig }).config
    if (!config) throw new RuntimeFailed(`the runtime does not say what sandbox ${sandbox} was made from`)
    this.#configs.set(sandbox, config)
    return config
  }

  async stop(container: ContainerId, graceMs: number) {
    const timeout = Math.ceil(Math.max(graceMs, 0) / 1000)
    await goneAsUndefined(
      this.#connection.runtime('StopContainer', { container_id: container, timeout }, { timeoutMs: graceMs + 180_000 }),
    ).finally(() => this.#observer.doubtPodOf(container))
  }

  async removeContainer(container: ContainerId) {
    const status = await this.#observer.status(container)
    if (!status) return
    if (status.state === 'CONTAINER_RUNNING')
      throw new RuntimeFailed(`container ${status.metadata.name} is running: stop it first`)
    await removeContainer(this.#connection, container)
    this.#observer.forget(container)
    if (status.log_path) await removeLogs(this.#world.disk, status.log_path)
  }

  async stopSandbox(sandbox: SandboxId) {
    const stop = () =>
      goneAsUndefined(this.#connection.runtime('StopPodSandbox', { pod_sandbox_id: sandbox }, { timeoutMs: 240_000 }))
    try {
      await stop().catch(async error => {
        if (!isTornRecord(error) || !(await forgetRecords(this.#world.disk, sandbox))) throw error
        await stop()
      })
    } catch (error) {
      throw this.#failed(`cannot stop sandbox ${sandbox}`, error)
    } finally {
      this.#observer.doubtPodOf(sandbox)
    }
  }

  async remove(sandbox: SandboxId) {
    await this.stopSandbox(sandbox)
    const { containers } = await this.#connection.runtime<{ containers: { id: string }[] }>('ListContainers', {
      filter: { pod_sandbox_id: sandbox },
    })
    for (const { id } of containers) await this.removeContainer(id)
    const pod = this.#configs.get(sandbox) ?? (await this.#readConfig(sandbox).catch(() => undefined))
    try {
      await goneAsUndefined(this.#connection.runtime('RemovePodSandbox', { pod_sandbox_id: sandbox }))
    } catch (error) {
      throw this.#failed(`cannot remove sandbox ${sandbox}`, error)
    }
    this.#configs.delete(sandbox)
    this.#observer.forget(sandbox)
    // Another attempt of the same pod keeps its logs in the same folder.
    if (pod) await removeIfEmpty(this.#world.disk, pod.log_directory)
  }

  observe(podUid?: string): Promise<ObservedPod[]> {
    return this.#observer.observe(podUid)
  }

  onChange(callback: (podUid: string | undefined) => void) {
    return this.#changes.listen(callback)
  }

  onCall(callback: (call: RuntimeCall) => void) {
    const { listeners } = this.#connection
    listeners.add(callback)
    return () => void listeners.delete(callback)
  }

  async *logs(container: ContainerId, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const path = this.#observer.known(container)?.logPath ?? (await this.#observer.status(container))?.log_path
    if (!path) throw new RuntimeFailed(`container ${container} is gone, and its log with it`)
    const ended = async () => {
      const status = await this.#observer.status(container)
      return !status || status.state === 'CONTAINER_EXITED'
    }
    try {
      yield* readLog({ disk: this.#world.disk, clock: this.#world.clock, ended }, path, options, signal)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new RuntimeFailed(`the log ${path} is not there`, { cause: error })
      throw error
    }
  }

  exec(container: ContainerId, command: string[], timeoutMs: number): Promise<ExecResult> {
    return execSync(this.#connection, container, command, timeoutMs).catch(error => {
      throw this.#failed(`cannot run ${command[0]}`, error)
    })
  }

  async execStream(container: ContainerId, command: string[], streams: Streams, signal: AbortSignal): Promise<number> {
    try {
      return await execTask(this.#world, container, command, streams, signal)
    } catch (error) {
      if (!(error instanceof CallFailed && error.unimplemented)) throw error
      const open = async (wanted: { stdin: boolean; stdout: boolean; stderr: boolean }) => {
        const request = { container_id: container, cmd: command, tty: streams.tty, ...wanted }
        return (await this.#connection.runtime<{ url: string }>('Exec', request)).url
      }
      return (await joinStreams(open, streams, false, signal)) ?? 0
    }
  }

  async attach(container: ContainerId, streams: Streams, signal: AbortSignal) {
    const open = async (wanted: { stdin: boolean; stdout: boolean; stderr: boolean }) => {
      const request = { container_id: container, tty: streams.tty, ...wanted }
      return (await this.#connection.runtime<{ url: string }>('Attach', request)).url
    }
    try {
      await joinStreams(open, streams, true, signal)
    } catch (error) {
      throw this.#failed(`cannot attach to container ${container}`, error)
    }
  }

  async portForward(sandbox: SandboxId, port: number, signal: AbortSignal) {
    try {
      const request = { pod_sandbox_id: sandbox, port: [port] }
      const { url } = await this.#connection.runtime<{ url: string }>('PortForward', request)
      const pipe = await joinPort(url, port, signal, this.#world.clock)
      return { readable: pipe, writable: pipe }
    } catch (error) {
      throw this.#failed(`cannot reach port ${port} of the pod`, error)
    }
  }

  stats(): Promise<PodUsage[]> {
    return readUsage(this.#connection, this.#owner)
  }

  async rotateLog(container: ContainerId, maxBytes: number, maxFiles: number): Promise<boolean> {
    const { disk } = this.#world
    const isLarge = async (path: string) => ((await disk.stat(path).catch(() => undefined))?.size ?? 0) > maxBytes
    // Asked for every container every few seconds: the runtime need not be asked about those with little to say.
    const known = this.#observer.known(container)?.logPath
    if (known && !(await isLarge(known))) return false
    const status = await this.#observer.status(container)
    if (status?.state !== 'CONTAINER_RUNNING' || !status.log_path || !(await isLarge(status.log_path))) return false
    await rotateFiles(disk, status.log_path, maxFiles)
    try {
      await this.#connection.runtime('ReopenContainerLog', { container_id: container })
    } catch (error) {
      // It goes on writing into the file that it has open: give that its name back.
      await disk.rename(`${status.log_path}.1`, status.log_path).catch(() => {})
      throw this.#failed(`cannot rotate the log of ${status.metadata.name}`, error)
    }
    return true
  }

  async updateResources(container: ContainerId, wanted: ContainerResources) {
    try {
      const request = { container_id: container, linux: resources(wanted) }
      await this.#connection.runtime('UpdateContainerResources', request)
      this.#observer.forget(container)
    } catch (error) {
      throw this.#failed(`cannot change the resources of container ${container}`, error)
    }
  }

  checkpoint(container: ContainerId, path: string, timeoutMs: number): Promise<void> {
    return checkpointContainer(this.#connection, container, path, timeoutMs).catch(error => {
      throw this.#failed(`cannot write down container ${container}`, error)
    })
  }

  async [Symbol.asyncDispose]() {
    this.#changes.close()
    this.#connection[Symbol.dispose]()
  }

  #failed(what: string, error: unknown): unknown {
    if (error instanceof RuntimeUnavailable || !(error instanceof CallFailed)) return error
    return new RuntimeFailed(`${what}: ${plain(error.details)}`, { cause: error })
  }
}
