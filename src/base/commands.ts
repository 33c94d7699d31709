import { spawn as spawnChild } from 'node:child_process'
import { OptiFlowError } from './errors.ts'

/** Other programs come in through here: `nft`, `ip`, containerd. Never through a shell. */
export interface Commands {
  /** Runs to the end. Rejects with CommandFailed on a non-zero exit unless `allowFailure`. */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Starts a program that goes on. */
  spawn(file: string, args: readonly string[], options?: SpawnOptions): Child
}

export interface RunOptions {
  stdin?: string | Uint8Array
  env?: Record<string, string | undefined>
  cwd?: string
  signal?: AbortSignal
  /** The program is killed after this; 60 000 unless said otherwise. */
  timeoutMs?: number
  allowFailure?: boolean
}

export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

export interface SpawnOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  /** A new session: it outlives us unless killed. */
  detached?: boolean
  /** Each complete line of standard output and error. */
  onLine?: (line: string, from: 'stdout' | 'stderr') => void
  /** Where output goes instead of `onLine`: a path to append to. */
  logFile?: string
}

export interface Child {
  /** Undefined when it could not be started; `exited` then says why. */
  pid: number | undefined
  kill(signal?: NodeJS.Signals): void
  /** Rejects with CommandMissing when the program is not there. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export class CommandMissing extends OptiFlowError {
  readonly file: string
  constructor(file: string, options: { cause?: unknown } = {}) {
    super(`program ${file} is not installed`, {
      ...options,
      hint: `Install ${file} (apt-get install) or put it on PATH.`,
    })
    this.file = file
  }
}

export class CommandFailed extends OptiFlowError {
  readonly file: string
  readonly code: number | null
  readonly stderr: string
  constructor(file: string, args: readonly string[], code: number | null, stderr: string) {
    super(`${file} ${args.join(' ')} ended with ${code ?? 'a signal'}: ${stderr.trim().slice(-2000) || '(no output)'}`)
    this.file = file
    this.code = code
    this.stderr = stderr
  }
}

export const systemCommands: Commands = {
  run(file, args, options = {}) {
    return new Promise((resolve, reject) => {
      const child = spawnChild(file, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(options.env ? { env: { ...process.env, ...options.env } } : {}),
        ...(options.cwd ? { cwd: options.cwd } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
        timeout: options.timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
      })
      const stdout: Buffer[] = []
      const stderr: Buffer[] = []
      child.stdout.on('data', chunk => stdout.push(chunk))
      child.stderr.on('data', chunk => stderr.push(chunk))
      child.stdin.on('error', () => {})
      child.stdin.end(options.stdin)
      child.on('error', error =>
        reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? new CommandMissing(file, { cause: error }) : error),
      )
      child.on('close', code => {
        const result = {
          code: code ?? -1,
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
        }
        if (code === 0 || options.allowFailure) resolve(result)
        else reject(new CommandFailed(file, args, code, result.stderr || result.stdout))
      })
    })
  },

  spawn(file, args, options = {}) {
    const log = options.logFile
    const child = spawnChild(
      log ? 'sh' : file,
      log ? ['-c', 'exec "$0" "$@" >>"$OPTIFLOW_CHILD_LOG" 2>&1', file, ...args] : args,
      {
        stdio: ['ignore', log ? 'ignore' : 'pipe', log ? 'ignore' : 'pipe'],
        env: { ...process.env, ...options.env, ...(log ? { OPTIFLOW_CHILD_LOG: log } : {}) },
        detached: options.detached ?? false,
        ...(options.cwd ? { cwd: options.cwd } : {}),
      },
    )
    if (options.detached) child.unref()
    for (const from of ['stdout', 'stderr'] as const) {
      let rest = ''
      child[from]?.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) options.onLine?.(line, from)
      })
    }
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.on('error', error =>
        reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? new CommandMissing(file, { cause: error }) : error),
      )
      child.on('close', (code, signal) => resolve({ code, signal }))
    })
    exited.catch(() => {})
    return { pid: child.pid, kill: signal => void child.kill(signal), exited }
  },
}

/** Sends a signal to a process by its id; 0 only asks. False when there is no such process (or it is not ours to signal). */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
