import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, sleep } from '../../base/clock.ts'
import { type Child, CommandMissing, type Commands, signalProcess } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { codeOf, explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import { type Address, addressOf, type DataPlane, type Doors, GatewayFailed } from '../data-plane.ts'
import { type Certificate, emptyTable, type PortRoutes, type RoutingTable } from '../routing-table.ts'
import { certificateListText, haproxyConfig, nothing } from './config.ts'

export interface HaproxyOptions {
  /** Its configuration and certificates; nobody else may read it. */
  folder: string
  /** For names without a certificate of their own. */
  ownCertificate: Certificate
  /** Who its workers are; undefined: who we are. */
  user: string | undefined
  clock: Clock
  commands: Commands
  disk: Disk
  net: Net
  log: Logger
}

/** Changes within this are one reload: each reload is a new process. */
const gatherMs = 200
/** How long it may take to listen. */
const startMs = 10_000
/** What requests under way get at the end. */
const graceMs = 5_000
/** Before it is started again when it ended by itself. */
const againMs = 1_000

/**
 * HAProxy as the data plane: a managed process that is told the routing table as its configuration. A change is a reload: the new
 * worker takes over the listening sockets themselves, the old one ends its requests.
 */
export class HaproxyPlane implements DataPlane {
  readonly #options: HaproxyOptions
  readonly #addresses = new Map<number, Address>()
  readonly #missing = new Map<number, string>()
  #ownCertificate: Certificate
  #doors: Doors | undefined
  #table: RoutingTable = emptyTable
  #answers: ReadonlyMap<string, string> = new Map()
  #written = ''
  #master: Child | undefined
  #closed = false
  /** Its last lines. */
  #said: string[] = []
  #applying: Promise<void> | undefined
  /** One after the other. */
  #bringing: Promise<void> = Promise.resolve()

  constructor(options: HaproxyOptions) {
    this.#options = options
    this.#ownCertificate = options.ownCertificate
  }

  async open(doors: Doors): Promise<void> {
    const { plain, secure } = doors
    if (plain.port === 0 || secure?.port === 0)
      throw new GatewayFailed('HAProxy cannot choose a free port by itself', {
        hint: 'Name the ports: --gateway 0.0.0.0:80,0.0.0.0:443.',
      })
    this.#doors = doors
    await this.#options.disk.makeFolder(this.#options.folder, { mode: 0o700 })
    try {
      await this.#options.commands.run('haproxy', ['-v'])
      await this.#endOld()
      if (!doors.held) return
      this.#addresses.set(80, plain)
      if (secure) this.#addresses.set(443, secure)
      await this.#write()
      await this.#begin(plain)
    } catch (cause) {
      this.#closed = true
      if (cause instanceof CommandMissing)
        throw new GatewayFailed('haproxy is not installed', { cause, hint: 'Install it: apt-get install haproxy.' })
      throw cause
    }
  }

  realPort(port: number): number | undefined {
    return this.#addresses.get(port)?.port
  }

  get missing(): ReadonlyMap<number, string> {
    return this.#missing
  }

  serve(table: RoutingTable, answers: ReadonlyMap<string, string>): Promise<void> {
    this.#table = table
    this.#answers = answers
    this.#applying ??= this.#apply()
    return this.#applying
  }

  useOwnCertificate(certificate: Certificate): Promise<void> {
    this.#ownCertificate = certificate
    return this.serve(this.#table, this.#answers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#applying
    await this.#bringing
    await this.#end()
  }

  get #configFile(): string {
    return join(this.#options.folder, 'haproxy.cfg')
  }

  get #pidFile(): string {
    return join(this.#options.folder, 'haproxy.pid')
  }

  async #apply(): Promise<void> {
    const { clock, log } = this.#options
    await sleep(clock, gatherMs)
    this.#applying = undefined
    this.#bringing = this.#bringing.then(async () => {
      if (this.#closed) return
      try {
        await this.#bring()
      } catch (error) {
        log.error({ error: explain(error) }, 'HAProxy refuses the routes; those before stay in force')
      }
    })
    await this.#bringing
  }

  /** The newest table into force. Without any port it cannot run, and need not. */
  async #bring(): Promise<void> {
    await this.#choosePorts()
    const [first] = this.#addresses.values()
    if (!first) return await this.#end()
    const changed = await this.#write()
    if (!this.#master) await this.#begin(first)
    else if (changed) this.#master.kill('SIGUSR2')
  }

  async #choosePorts(): Promise<void> {
    const doors = this.#doors!
    const isFixed = (port: number) => doors.held && (port === 80 || port === 443)
    const { ports } = this.#table
    for (const port of [...this.#addresses.keys()]) if (!isFixed(port) && !ports.has(port)) this.#addresses.delete(port)
    this.#missing.clear()
    for (const port of ports.keys()) {
      const address = addressOf(doors, port)
      if (!address || this.#addresses.has(port)) continue
      const obstacle = await this.#obstacleAt(address)
      if (obstacle) this.#missing.set(port, obstacle)
      else this.#addresses.set(port, address)
    }
  }

  /** Tries it, since HAProxy would refuse all routes for the sake of one port. @returns the code of the error */
  async #obstacleAt({ host, port }: Address): Promise<string | undefined> {
    try {
      await (await this.#options.net.listenTcp(host, port, socket => socket.destroy())).close()
      return undefined
    } catch (error) {
      return codeOf(error) ?? explain(error)
    }
  }

  async #begin(first: Address): Promise<void> {
    this.#start()
    await Promise.race([this.#listening(first), this.#master!.exited.then(() => this.#ended())])
  }

  /** Workers stop listening and end their requests; then the master ends. */
  async #end(): Promise<void> {
    const master = this.#master
    if (!master) return
    this.#master = undefined
    this.#written = ''
    master.kill('SIGUSR1')
    const cancel = this.#options.clock.schedule(graceMs, () => master.kill('SIGTERM'))
    await master.exited.catch(() => {})
    cancel()
    await this.#options.disk.remove(this.#pidFile)
  }

  /** @returns false if nothing changed. @throws CommandFailed when HAProxy does not take it */
  async #write(): Promise<boolean> {
    const { disk, commands, folder, user } = this.#options
    const lists = new Map<number, string>()
    for (const port of this.#addresses.keys()) {
      const routes = this.#table.ports.get(port) ?? nothing(port)
      if (routes.secure) lists.set(port, await this.#writeCertificates(port, routes))
    }
    const text = haproxyConfig({
      ...{ table: this.#table, addresses: this.#addresses, answers: this.#answers, user },
      certificateList: port => lists.get(port)!,
      socket: join(folder, 'haproxy.sock'),
    })
    if (text === this.#written) return false
    const next = `${this.#configFile}.next`
    await disk.write(next, text, { mode: 0o600 })
    await commands.run('haproxy', ['-c', '-q', '-f', next])
    await disk.rename(next, this.#configFile)
    this.#written = text
    return true
  }

  /** The name of a list's file tells its contents, so that a new certificate is a new configuration. */
  async #writeCertificates(port: number, { certificates }: PortRoutes): Promise<string> {
    const { disk, folder } = this.#options
    const files = [
      ['', certificates.get('') ?? this.#ownCertificate] as const,
      ...[...certificates].filter(([name]) => name),
    ].map(([name, { cert, key }]) => ({ name, pem: `${cert.trimEnd()}\n${key.trimEnd()}\n` }))
    const written: { path: string; name: string }[] = []
    for (const { name, pem } of files) {
      const path = join(folder, 'certificates', `${hashOf(pem)}.pem`)
      if (!(await disk.exists(path))) await disk.write(path, pem, { mode: 0o600 })
      written.push({ path, name })
    }
    const text = certificateListText(written)
    const list = join(folder, 'certificates', `port-${port}-${hashOf(text)}.list`)
    await disk.write(list, text, { mode: 0o600 })
    return list
  }

  /** One that a server before us left behind goes on until now: its clients are not cut. */
  async #endOld(): Promise<void> {
    const { disk, log } = this.#options
    if (!(await disk.exists(this.#pidFile))) return
    const pid = Number(await disk.readText(this.#pidFile))
    const commandLine = await disk.readText(`/proc/${pid}/cmdline`).catch(() => '')
    if (!commandLine.includes(this.#configFile)) return
    log.info({ pid }, 'ending the HAProxy of before')
    signalProcess(pid, 'SIGUSR1')
  }

  #start(): void {
    const { commands, log, clock } = this.#options
    const master = commands.spawn('haproxy', ['-W', '-db', '-p', this.#pidFile, '-f', this.#configFile], {
      onLine: line => {
        log.info({ line }, 'haproxy')
        this.#said = [...this.#said.slice(-4), line]
      },
    })
    this.#master = master
    master.exited.then(
      ({ code, signal }) => {
        if (this.#closed || this.#master !== master) return
        log.error({ code, signal }, 'HAProxy ended; starting it again')
        clock.schedule(againMs, () => {
          if (!this.#closed && this.#master === master) this.#start()
        })
      },
      () => {},
    )
  }

  async #listening({ host, port }: Address): Promise<void> {
    const { clock, net } = this.#options
    const until = clock.monotonicMs() + startMs
    const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
    for (;;) {
      try {
        ;(await net.connect(at, port, { timeoutMs: 1_000 })).destroy()
        return
      } catch (cause) {
        if (clock.monotonicMs() > until)
          throw new GatewayFailed(`HAProxy does not listen on ${host}:${port}`, { cause })
        await sleep(clock, 50)
      }
    }
  }

  #ended(): never {
    throw new GatewayFailed(`HAProxy ended as it was started: ${this.#said.join(' ') || 'it said nothing'}`, {
      hint: 'The ports may be taken: choose others with --gateway HTTP,HTTPS.',
    })
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
