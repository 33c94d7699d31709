import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { keepWithin } from '../base/appended-log.ts'
import { type Clock, every, sleep } from '../base/clock.ts'
import { CommandMissing, type Commands, signalProcess } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { processes, wordsOf } from '../base/processes.ts'
import { containerdConfig, hostsFile, type RegistryHost } from './containerd-config.ts'
import { ContainerdFailed, readFailure, refuseTooOld } from './containerd-failure.ts'
import { Connection } from './cri/connection.ts'
import { importImage, memorySource } from './cri/import-image.ts'
import { recordFolder, recordsOf } from './cri/network-record.ts'
import { askPatiently } from './patience.ts'
import { type Architecture, pauseImage, pauseImageName } from './pause-image.ts'
import { mountOf, mountPoints } from './shared-mounts.ts'
import { endShim, shimsOf } from './shims.ts'

export interface SuperviseOptions {
  /** Images, configuration and logs live here. */
  folder: string
  /** Sockets and tasks; must be empty after a reboot. Default: one below /run made from the name of `folder`. */
  stateFolder?: string
  disk: Disk
  commands: Commands
  clock: Clock
  log: Logger
  /** Where CNI plugins are looked for, in this order. */
  cniBinFolders: string[]
  /** Where the network writes its configuration; containerd watches it. */
  cniConfFolder: string
  registries?: RegistryHost[]
  /** Default `containerd`, from PATH. */
  binary?: string
  systemdCgroup?: boolean
  /** Other runtimes by handler name: path of the binary. */
  handlers?: Record<string, string>
  /** Program and arguments before containerd's own, such as `nsenter --net=…`. */
  wrapper?: string[]
}

/** Our own containerd. Disposing only stops the watching: the daemon and its pods go on, and are adopted at the next start. */
export interface SupervisedContainerd extends AsyncDisposable {
  readonly socket: string
  readonly version: string
  /** It was running already when we came. */
  readonly adopted: boolean
  readonly stateFolder: string
  pid(): number | undefined
  /** Takes effect with the next pull, without a restart. */
  setRegistries(registries: RegistryHost[]): Promise<void>
  /** Ends the daemon; pods go on without it. */
  stop(): Promise<void>
  /** Ends the daemon and deletes all it knows. Remove the pods first: what still runs is killed, its network not taken down. */
  purge(): Promise<void>
}

/** How often one is looked at that an earlier process of ours started: nobody tells of its end. */
const lookMs = 500
/** How soon a CNI plugin that was installed later is found. */
const linkMs = 3_000
/** Whoever ends after less has a reason that another start does not mend. */
const ranWellMs = 5_000
const logLookMs = 60_000
/** One that is there and says nothing is asked so often, waited for so long, and ended after so many questions: hung, not slow. */
const askMs = 15_000
const answerMs = 10_000
const hungAfter = 5
/** Of its log, and as much again in the one before. */
const logBytes = 10 << 20

/**
 * Runs a containerd of our own in `folder`, apart from the machine's: starts it, adopts the one that an earlier process of
 * ours left running, and starts it again when it dies.
 * @throws ContainerdFailed
 */
export async function superviseContainerd(options: SuperviseOptions): Promise<SupervisedContainerd> {
  const supervisor = new Supervisor(options)
  await supervisor.start()
  return supervisor
}

/** Where a containerd of ours has its sockets and tasks, unless said otherwise. @param folder its own */
export function stateFolderOf(folder: string): string {
  // Unix sockets have at most 107 bytes in their path, and the shims' names are appended to it.
  return `/run/optiflow/${createHash('sha256').update(folder).digest('hex').slice(0, 10)}`
}

class Supervisor implements SupervisedContainerd {
  readonly socket: string
  readonly stateFolder: string
  version = ''
  adopted = false
  readonly #options: SuperviseOptions
  readonly #configPath: string
  readonly #logPath: string
  readonly #watching = new AbortController()
  #pid: number | undefined
  #startedAtMs = 0
  /** Starts that failed, or after which it soon ended again, in a row. */
  #failures = 0
  #looking: Promise<void> | undefined
  /** Questions without an answer, in a row. */
  #unanswered = 0

  constructor(options: SuperviseOptions) {
    this.#options = options
    this.stateFolder = options.stateFolder ?? stateFolderOf(options.folder)
    this.socket = `${this.stateFolder}/containerd.sock`
    this.#configPath = `${options.folder}/config.toml`
    this.#logPath = `${options.folder}/containerd.log`
  }

  pid() {
    return this.#pid
  }

  async start(): Promise<void> {
    const { disk, folder } = this.#options
    if (this.socket.length > 100)
      throw new ContainerdFailed(`the path of containerd's socket is too long: ${this.socket}`, {
        hint: 'Choose a state folder with a shorter path.',
      })
    this.version = await this.#askVersion()
    refuseTooOld(this.version)
    await disk.makeFolder(folder, { mode: 0o711 })
    await disk.makeFolder(this.stateFolder, { mode: 0o711 })
    await disk.makeFolder(`${folder}/registries`)
    await this.setRegistries(this.#options.registries ?? [])
    await this.#linkPlugins()
    const config = await this.#config()
    const before = await disk.readText(this.#configPath).catch(() => '')
    const running = await this.#findRunning()
    const [only, ...more] = running
    if (only !== undefined && !more.length && before === config && (await this.#answers(2_000))) {
      this.#pid = only
      this.adopted = true
      this.#options.log.info({ pid: only, socket: this.socket }, 'containerd adopted')
    } else {
      for (const pid of running) await this.#end(pid)
      await disk.write(this.#configPath, config)
      await this.#launch()
    }
    this.#startedAtMs = this.#options.clock.monotonicMs()
    const { clock } = this.#options
    every(clock, lookMs, () => this.#look(), this.#watching.signal)
    every(clock, askMs, () => this.#ask(), this.#watching.signal)
    every(clock, linkMs, () => this.#linkPlugins().catch(() => {}), this.#watching.signal)
    every(clock, logLookMs, () => this.#boundLog(), this.#watching.signal)
    // One that was adopted, or just started, may end at any moment.
    await askPatiently(clock, () => this.#importPause()).catch(error => {
      this.#watching.abort()
      throw error
    })
  }

  async setRegistries(registries: RegistryHost[]) {
    const { disk, folder } = this.#options
    for (const registry of registries)
      await disk.write(`${folder}/registries/${registry.host}/hosts.toml`, hostsFile(registry))
  }

  async stop() {
    this.#watching.abort()
    await this.#looking
    for (const pid of await this.#findRunning()) await this.#end(pid)
    this.#pid = undefined
  }

  async purge() {
    await this.stop()
    const { disk, commands, folder, clock } = this.#options
    // Of sandboxes that could not be stopped: without containerd nobody would end them.
    for (const shim of await shimsOf(disk, this.socket)) await endShim(shim, this.socket, disk, clock)
    const points = await mountPoints(disk)
    for (const { path } of points.reverse())
      if (path.startsWith(`${folder}/`) || path.startsWith(`${this.stateFolder}/`))
        await commands.run('umount', ['-l', path], { allowFailure: true })
    // Sandboxes that ended by force, or after their network was taken down by another plugin, are remembered still.
    for (const name of await recordsOf(disk, this.stateFolder)) await disk.remove(`${recordFolder}/${name}`)
    await disk.remove(this.stateFolder)
    for (const part of ['root', 'registries', 'plugins', 'config.toml', 'containerd.log', 'containerd.log.old'])
      await disk.remove(`${folder}/${part}`)
  }

  async [Symbol.asyncDispose]() {
    this.#watching.abort()
    await this.#looking
  }

  async #askVersion(): Promise<string> {
    const binary = this.#options.binary ?? 'containerd'
    try {
      const { stdout } = await this.#options.commands.run(binary, ['--version'])
      return /\bv?(\d+\.\d+[^\s]*)/.exec(stdout.replace(/^\S+ \S+ /, ''))?.[1] ?? 'unknown'
    } catch (cause) {
      if (cause instanceof CommandMissing)
        throw new ContainerdFailed(`${binary} is not installed`, {
          cause,
          hint: 'apt-get install containerd runc containernetworking-plugins, or pass --runtime simulated.',
        })
      throw new ContainerdFailed(`${binary} --version failed`, { cause })
    }
  }

  async #config(): Promise<string> {
    const { disk, folder } = this.#options
    const capabilities = /^CapEff:\s*([0-9a-f]+)/m.exec(await disk.readText('/proc/self/status').catch(() => ''))?.[1]
    const sysResource = 24n
    const onOverlay = mountOf(await mountPoints(disk), folder).type === 'overlay'
    return containerdConfig(
      {
        root: `${folder}/root`,
        state: this.stateFolder,
        socket: this.socket,
        sandboxImage: pauseImageName,
        // overlayfs cannot be stacked on overlayfs.
        snapshotter: onOverlay ? 'native' : 'overlayfs',
        systemdCgroup: this.#options.systemdCgroup ?? false,
        restrictOomScore: capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> sysResource) & 1n) === 0n,
        cniBinFolders: this.#options.cniBinFolders.length > 1 ? [`${folder}/plugins`] : this.#options.cniBinFolders,
        cniConfFolder: this.#options.cniConfFolder,
        registryFolder: `${folder}/registries`,
        ...(this.#options.handlers ? { handlers: this.#options.handlers } : {}),
      },
      Number.parseInt(this.version, 10) || 1,
    )
  }

  /** containerd 1.x looks for CNI plugins in one folder: ours, with links to all. Plugins installed later appear within seconds. */
  async #linkPlugins() {
    const { disk, folder, cniBinFolders } = this.#options
    if (cniBinFolders.length < 2) return
    const to = `${folder}/plugins`
    await disk.makeFolder(to)
    const there = new Set((await disk.list(to)).map(({ name }) => name))
    for (const from of cniBinFolders)
      for (const { name } of await disk.list(from).catch(() => []))
        if (!there.has(name)) await disk.symlink(`${from}/${name}`, `${to}/${name}`).catch(() => {})
  }

  /**
   * Daemons of this folder. Several where earlier processes of ours were killed while each started one: only one of them has the
   * database, and the others wait for it for ever.
   */
  async #findRunning(): Promise<number[]> {
    const { disk, binary = 'containerd' } = this.#options
    const found: number[] = []
    for (const pid of await processes(disk)) {
      const words = await wordsOf(disk, pid)
      if (basename(words[0] ?? '') === basename(binary) && words.includes(this.#configPath)) found.push(pid)
    }
    return found
  }

  async #isOurs(pid: number): Promise<boolean> {
    return (await wordsOf(this.#options.disk, pid)).includes(this.#configPath)
  }

  async #answers(timeoutMs: number): Promise<boolean> {
    using connection = new Connection(this.socket, this.#options.clock)
    // Awaited here: the connection is closed on return.
    return await connection.runtime('Version', {}, { timeoutMs }).then(
      () => true,
      () => false,
    )
  }

  async #launch() {
    const { clock, commands, disk, log } = this.#options
    await this.#boundLog()
    const logStart = (await disk.stat(this.#logPath).catch(() => undefined))?.size ?? 0
    const [program, ...args] = [
      ...(this.#options.wrapper ?? []),
      this.#options.binary ?? 'containerd',
      '--config',
      this.#configPath,
    ]
    const child = commands.spawn(program!, args, {
      detached: true,
      logFile: this.#logPath,
      env: { NOTIFY_SOCKET: undefined },
    })
    let ended: string | undefined
    child.exited.then(
      ({ code, signal }) => (ended = code === null ? `was ended by ${signal}` : `exited with ${code}`),
      error => (ended = explain(error)),
    )
    const deadline = clock.monotonicMs() + 30_000
    for (;;) {
      if (await this.#answers(500)) break
      if (ended !== undefined || clock.monotonicMs() > deadline) {
        child.kill('SIGKILL')
        throw await this.#failure(ended ?? 'did not answer within 30 s', logStart)
      }
      await sleep(clock, 20)
    }
    this.#pid = child.pid
    const again = () => void this.#look()
    child.exited.then(again, again)
    log.info({ pid: child.pid, socket: this.socket, version: this.version }, 'containerd started')
  }

  /** The log is kept from one start to the next, but not for ever. */
  #boundLog(): Promise<void> {
    const { disk, log } = this.#options
    return keepWithin(disk, this.#logPath, logBytes).catch(error =>
      log.warn({ error: explain(error), path: this.#logPath }, 'the log of containerd cannot be kept small'),
    )
  }

  async #failure(what: string, logStart: number): Promise<ContainerdFailed> {
    const text = (await this.#options.disk.read(this.#logPath).catch(() => Buffer.alloc(0)))
      .subarray(logStart)
      .toString()
    const { evidence, hint } = readFailure(text)
    return new ContainerdFailed(`containerd ${what}${evidence ? `: ${evidence}` : ''}`, {
      hint: hint ?? `Its log is ${this.#logPath}.`,
    })
  }

  async #importPause() {
    using connection = new Connection(this.socket, this.#options.clock)
    const present = await connection.image<{ image: object | null }>('ImageStatus', {
      image: { image: pauseImageName },
    })
    if (present.image) return
    const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
    await importImage(connection, this.#options.clock, pauseImageName, memorySource(pauseImage(architecture)), {
      pinned: true,
    })
  }

  /** Now and then, and when the child that we started ends: is it alive? */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    if (this.#pid !== undefined && signalProcess(this.#pid, 0) && (await this.#isOurs(this.#pid))) return
    if (this.#watching.signal.aborted) return
    this.#options.log.warn({ pid: this.#pid }, 'containerd ended; pods go on, starting it again')
    await this.#restart()
  }

  /** Pods go on without it, so that ending it costs them nothing; left alone it would never come back. */
  async #ask(): Promise<void> {
    const pid = this.#pid
    if (pid === undefined || (await this.#answers(answerMs)) || pid !== this.#pid) {
      this.#unanswered = 0
      return
    }
    if (this.#watching.signal.aborted || ++this.#unanswered < hungAfter) return
    this.#unanswered = 0
    this.#options.log.error(
      { pid, questions: hungAfter, socket: this.socket },
      'containerd is there and does not answer; it is ended, pods go on',
    )
    if (await this.#isOurs(pid)) signalProcess(pid, 'SIGKILL')
  }

  async #restart() {
    const { clock, log } = this.#options
    this.#pid = undefined
    // One that ran well and was killed is back at once; one that cannot run is not started over and over.
    if (clock.monotonicMs() - this.#startedAtMs > ranWellMs) this.#failures = 0
    await sleep(clock, Math.min(this.#failures * 2_000, 30_000), this.#watching.signal).catch(() => {})
    if (this.#watching.signal.aborted) return
    this.#failures++
    try {
      await this.#launch()
      this.#startedAtMs = clock.monotonicMs()
    } catch (error) {
      log.error({ error: explain(error) }, 'containerd does not start')
    }
  }

  async #end(pid: number) {
    const { clock } = this.#options
    signalProcess(pid, 'SIGTERM')
    const deadline = clock.monotonicMs() + 10_000
    while (await this.#isOurs(pid)) {
      if (clock.monotonicMs() > deadline) signalProcess(pid, 'SIGKILL')
      await sleep(clock, 20)
    }
  }
}
