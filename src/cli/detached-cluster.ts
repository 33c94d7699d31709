import { join } from 'node:path'
import { sleep } from '../base/clock.ts'
import { type Child, type Commands, systemCommands } from '../base/commands.ts'
import { startingRun } from '../main/cluster.ts'
import { isRunning, readRunFile, removeRunFileOf, runningCluster, writeRunFile } from '../main/run-file.ts'
import type { Settings } from '../main/settings.ts'
import type { Outside } from './command.ts'
import { UsageError } from './failure.ts'

/** A child that was told to end has so long, in milliseconds; a little more than it gives itself. */
const patienceMs = 15_000

/**
 * Starts this same program again as a process of its own and waits until it is ready, relaying its lines. Nothing stays behind of
 * a start that fails or is interrupted, and "optiflow down" knows of it from its first moment.
 * @param flags of `up`
 */
export async function startDetached(
  outside: Outside,
  settings: Settings,
  flags: readonly string[],
  commands: Commands = systemCommands,
): Promise<void> {
  const { clock, disk, terminal } = outside
  const { dataDir } = settings
  const running = await runningCluster(disk, dataDir)
  if (running) {
    if (running.state === 'starting') terminal.out(`process ${running.pid} is starting it already; waiting …\n`)
    await untilReady(outside, settings, running.pid, () => isRunning(disk, running))
    terminal.out(`already running at ${running.url} (process ${running.pid})\n`)
    return
  }
  const logPath = join(dataDir, 'logs/up.out')
  await disk.makeFolder(join(dataDir, 'logs'))
  await disk.write(logPath, '')
  const child = commands.spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'up', ...flags], {
    detached: true,
    logFile: logPath,
  })
  let ended = false
  const end = () => {
    ended = true
  }
  child.exited.then(end, end)
  let printed = 0
  const relay = async () => {
    const text = await disk.readText(logPath)
    terminal.out(text.slice(printed))
    printed = text.length
  }
  try {
    await noteChild(outside, settings, child)
    await untilReady(outside, settings, child.pid, async () => !ended, relay)
  } catch (error) {
    await endChild(outside, child)
    await relay()
    if (child.pid !== undefined) await removeRunFileOf(disk, dataDir, child.pid)
    if (outside.signal.aborted) terminal.out('interrupted: what was starting has been stopped again\n')
    throw error
  }
  await sleep(clock, 100)
  await relay()
  terminal.out('It goes on in the background; "optiflow down" stops it.\n')
}

/** For the time in which the child itself is only being loaded. */
async function noteChild({ clock, disk }: Outside, settings: Settings, { pid }: Child): Promise<void> {
  if (pid === undefined || (await readRunFile(disk, settings.dataDir))?.pid === pid) return
  await writeRunFile(disk, settings.dataDir, await startingRun({ settings, clock, disk }, pid))
}

async function untilReady(
  { clock, disk, signal }: Outside,
  { dataDir }: Settings,
  pid: number | undefined,
  alive: () => Promise<boolean>,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  for (;;) {
    await meanwhile()
    const run = await readRunFile(disk, dataDir)
    if (run && run.pid === pid && run.state === 'ready') return
    if (!(await alive())) {
      await meanwhile()
      throw new UsageError('the cluster did not start; its words are above', {
        hint: `Its log is ${join(dataDir, 'logs/optiflow.log')}.`,
      })
    }
    await sleep(clock, 50, signal)
  }
}

async function endChild({ clock }: Outside, child: Child): Promise<void> {
  const exited = child.exited.then(
    () => true,
    () => true,
  )
  child.kill('SIGTERM')
  if (await Promise.race([exited, sleep(clock, patienceMs).then(() => false)])) return
  child.kill('SIGKILL')
  await exited
}
