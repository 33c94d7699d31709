import type { Duplex, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { Fifos } from '../../base/fifo.ts'
import type { Random } from '../../base/random.ts'
import { type ContainerId, RuntimeFailed, type Streams } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'

export interface ExecWorld {
  connection: Connection
  disk: Disk
  commands: Commands
  fifos: Fifos
  clock: Clock
  random: Random
  /** Folder for the pipes; short-lived. */
  pipeFolder: string
}

interface OciProcess {
  args: string[]
  env?: string[]
  terminal?: boolean
  [field: string]: unknown
}

const tasks = 'tasks.v1.Tasks'
const processType = 'types.containerd.io/opencontainers/runtime-spec/1/Process'

/**
 * Runs a command in a container through containerd's tasks and named pipes, so that each stream can end by itself: a
 * command that reads to the end of its input gets that end while its output goes on (CRI's WebSockets cannot say it).
 * @returns the exit code
 * @throws RuntimeFailed; CallFailed with `unimplemented` where the runtime is not containerd
 */
export async function execTask(
  world: ExecWorld,
  container: ContainerId,
  command: string[],
  streams: Streams,
  signal: AbortSignal,
): Promise<number> {
  const { connection, commands, disk, fifos } = world
  const spec = await processSpec(connection, container, command, streams.tty)
  const execId = `exec-${Buffer.from(world.random.bytes(12)).toString('hex')}`
  const folder = `${world.pipeFolder}/${execId}`
  const path = {
    stdin: streams.stdin ? `${folder}/stdin` : '',
    stdout: `${folder}/stdout`,
    stderr: streams.tty ? '' : `${folder}/stderr`,
  }
  await disk.makeFolder(folder, { mode: 0o700 })
  const opened: Duplex[] = []
  const open = (at: string, direction: 'read' | 'write') => {
    const pipe = fifos.open(at, direction)
    opened.push(pipe)
    return pipe
  }
  const process = { container_id: container, exec_id: execId }
  try {
    await commands.run('mkfifo', ['-m', '600', ...Object.values(path).filter(Boolean)])
    const stdout = open(path.stdout, 'read')
    const stderr = path.stderr ? open(path.stderr, 'read') : undefined
    const stdin = path.stdin ? open(path.stdin, 'write') : undefined
    await connection.containerd(tasks, 'Exec', { ...process, ...path, terminal: streams.tty, spec }, { signal })
    try {
      const output = [drain(stdout, streams.stdout), ...(stderr ? [drain(stderr, streams.stderr)] : [])]
      const ended = connection.containerd<{ exit_status: number }>(tasks, 'Wait', process, { timeoutMs: dayMs })
      ended.catch(() => {})
      await connection.containerd(tasks, 'Start', process, { signal })
      const onAbort = () => void connection.containerd(tasks, 'Kill', { ...process, signal: 9 }).catch(() => {})
      signal.addEventListener('abort', onAbort, { once: true })
      const over = new AbortController()
      if (streams.resize && streams.tty) void resize(connection, process, streams.resize, over.signal)
      if (stdin && streams.stdin) void feed(streams.stdin, stdin, () => closeInput(connection, process))
      try {
        const { exit_status } = await ended
        await settle(world.clock, output)
        return exit_status
      } finally {
        over.abort()
        signal.removeEventListener('abort', onAbort)
      }
    } finally {
      await connection.containerd(tasks, 'DeleteProcess', process).catch(() => {})
    }
  } catch (error) {
    if (error instanceof CallFailed && !error.unimplemented)
      throw new RuntimeFailed(`cannot run ${command[0]}: ${plain(error.details)}`, { cause: error })
    throw error
  } finally {
    for (const pipe of opened) pipe.destroy()
    await disk.remove(folder)
  }
}

const dayMs = 24 * 3_600_000

/** The container's own process (its user, capabilities, environment) with another command. */
async function processSpec(connection: Connection, container: ContainerId, command: string[], tty: boolean) {
  const { container: record } = await connection.containerd<{ container: { spec: { value: Buffer } } }>(
    'containers.v1.Containers',
    'Get',
    { id: container },
  )
  const process = (JSON.parse(record.spec.value.toString()) as { process: OciProcess }).process
  const env = process.env ?? []
  const spec: OciProcess = {
    ...process,
    args: command,
    terminal: tty,
    env: tty && !env.some(e => e.startsWith('TERM=')) ? [...env, 'TERM=xterm'] : env,
  }
  delete spec['consoleSize']
  return { type_url: processType, value: Buffer.from(JSON.stringify(spec)) }
}

interface Draining {
  done: Promise<void>
  /** Bytes that came so far. */
  count: number
}

function drain(from: Duplex, to: Writable | undefined): Draining {
  const draining: Draining = { done: Promise.resolve(), count: 0 }
  from.on('data', (chunk: Buffer) => {
    draining.count += chunk.length
    if (to && !to.destroyed && !to.write(chunk)) {
      from.pause()
      to.once('drain', () => from.resume())
      to.once('close', () => from.resume())
    }
  })
  draining.done = finished(from, { writable: false }).catch(() => {})
  return draining
}

/** Waits for the end of the output. A child left in the background may hold it open for ever: a second of silence is enough then. */
async function settle(clock: Clock, output: Draining[]): Promise<void> {
  let over = false
  const all = Promise.all(output.map(o => o.done)).then(() => {
    over = true
  })
  for (let before = -1; !over; ) {
    const count = output.reduce((sum, o) => sum + o.count, 0)
    if (count === before) return
    before = count
    const stop = new AbortController()
    await Promise.race([all, sleep(clock, 1_000, stop.signal).catch(() => {})])
    stop.abort()
  }
}

/** Passes on the input, then its end. */
async function feed(from: NodeJS.ReadableStream, to: Duplex, end: () => Promise<void>): Promise<void> {
  try {
    for await (const chunk of from) {
      if (to.destroyed) return
      if (!to.write(chunk))
        await new Promise<void>(resolve => {
          to.once('drain', resolve)
          to.once('close', resolve)
        })
    }
    await new Promise<void>(resolve => to.end(resolve))
    to.destroy()
    await end()
  } catch {
    to.destroy()
    await end()
  }
}

async function closeInput(connection: Connection, process: object): Promise<void> {
  await connection.containerd(tasks, 'CloseIO', { ...process, stdin: true }).catch(() => {})
}

async function resize(
  connection: Connection,
  process: object,
  sizes: AsyncIterable<{ width: number; height: number }>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { width, height } of sizes) {
      if (signal.aborted) return
      await connection.containerd(tasks, 'ResizePty', { ...process, width, height }).catch(() => {})
    }
  } catch {
    // The size only matters while somebody looks.
  }
}

/** containerd's and runc's words without their wrapping. */
export function plain(details: string): string {
  return details
    .replace(/^rpc error: code = \w+ desc = /, '')
    .replace(/^failed to (create containerd task|exec in container|start exec .*?|start containerd task .*?): /, '')
    .replace(/^failed to create shim( task)?: /, '')
    .replace(/: unknown$/, '')
}
