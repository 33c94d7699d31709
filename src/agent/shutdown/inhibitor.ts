import type { Child, Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { NodeShutdown } from './shutdown.ts'

export interface InhibitorOptions {
  disk: Disk
  commands: Commands
  log: Logger
  /** So long the machine must wait for us. */
  graceMs: number
  /** The machine is about to go down. */
  onShutdown(): void
}

const manager = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const
const signal = `type='signal',interface='${manager[2]}',member='PrepareForShutdown'`
const dropIn = '/etc/systemd/logind.conf.d/99-optiflow.conf'

/**
 * Makes systemd wait with a shutdown until the pods have ended, and hears of it. D-Bus is spoken by systemd's own programs,
 * which are where it is.
 * @see https://systemd.io/INHIBITOR_LOCKS/
 */
export class ShutdownInhibitor {
  readonly #options: InhibitorOptions
  #lock: Child | undefined
  #monitor: Child | undefined

  constructor(options: InhibitorOptions) {
    this.#options = options
  }

  /** @returns false when there is no systemd to ask */
  async begin(): Promise<boolean> {
    const { disk, commands, log, onShutdown } = this.#options
    if (!(await disk.exists('/run/systemd/system'))) return false
    await this.#allowDelay()
    const monitor = commands.spawn('busctl', ['--system', '--json=short', 'monitor', '--match', signal], {
      onLine: line => {
        if (isShutdown(line)) onShutdown()
      },
    })
    this.#monitor = monitor
    const lock = commands.spawn('systemd-inhibit', [
      '--what=shutdown',
      '--mode=delay',
      '--who=optiflow',
      '--why=pods end before the machine does',
      'sleep',
      'infinity',
    ])
    this.#lock = lock
    for (const { exited } of [monitor, lock])
      exited.catch(error => log.warn({ error: explain(error) }, 'pods get no time when this machine is switched off'))
    return true
  }

  /** The machine may go down. */
  release(): void {
    this.#lock?.kill('SIGTERM')
    this.#monitor?.kill('SIGTERM')
  }

  /** logind lets nobody delay a shutdown longer than it is configured for: 5 s unless said otherwise. */
  async #allowDelay(): Promise<void> {
    const { disk, commands, graceMs, log } = this.#options
    const wantedSeconds = Math.ceil(graceMs / 1000)
    try {
      const { stdout } = await commands.run('busctl', ['--system', 'get-property', ...manager, 'InhibitDelayMaxUSec'])
      if (Number(/\d+/.exec(stdout)?.[0] ?? 0) >= wantedSeconds * 1_000_000) return
      await disk.write(dropIn, `[Login]\nInhibitDelayMaxSec=${wantedSeconds}\n`)
      await commands.run('systemctl', ['kill', '--signal=HUP', 'systemd-logind'])
    } catch (error) {
      log.warn({ error: explain(error) }, 'the machine may not wait for its pods when it is switched off')
    }
  }
}

/** A machine with systemd waits for its pods when it is switched off. @returns ends the waiting */
export async function delayShutdown(
  options: Pick<InhibitorOptions, 'disk' | 'commands' | 'log'>,
  shutdown: NodeShutdown,
): Promise<() => void> {
  const inhibitor: ShutdownInhibitor = new ShutdownInhibitor({
    ...options,
    graceMs: shutdown.totalMs,
    onShutdown: () => void shutdown.begin().finally(() => inhibitor.release()),
  })
  if (!(await inhibitor.begin()))
    options.log.info({}, 'no systemd here: pods get no time of their own when the machine is switched off')
  return () => inhibitor.release()
}

/** Takes back what logind was told: the machine is no longer a node. */
export async function forgetShutdownDelay(disk: Disk): Promise<void> {
  await disk.remove(dropIn)
}

/** One line of `busctl --json=short monitor`. */
export function isShutdown(line: string): boolean {
  try {
    const { member, payload } = JSON.parse(line) as { member?: string; payload?: { data?: unknown[] } }
    return member === 'PrepareForShutdown' && payload?.data?.[0] === true
  } catch {
    return false
  }
}
