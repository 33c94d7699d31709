import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a program ended, with all that it wrote. */
export interface Ended {
  /** Exit code; 128 + n is not used: a signal gives code -1 and its name in `signal`. */
  code: number
  signal: string | undefined
  out: string
  err: string
}

export interface RunOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  stdin?: string | Uint8Array
  /** After so long it is killed and the call fails. */
  timeoutMs?: number
  uid?: number
  gid?: number
}

/** True if `program` is on PATH. */
export function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Runs a program to its end. @throws Error when it takes longer than `timeoutMs` (default 30 s) */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  const started = start(program, args, options)
  started.child.stdin?.end(options.stdin ?? '')
  const timeoutMs = options.timeoutMs ?? 30_000
  const timer = setTimeout(() => started.child.kill('SIGKILL'), timeoutMs)
  const ended = await started.ended
  clearTimeout(timer)
  if (ended.signal === 'SIGKILL')
    throw new Error(`${program} ${args.join(' ')} did not end in ${timeoutMs} ms\n${ended.out}${ended.err}`)
  return ended
}

/** A program that goes on running. */
export interface Started {
  child: ChildProcess
  /** What it has written to standard output up to now. */
  out(): string
  err(): string
  ended: Promise<Ended>
  /**
   * Sends SIGTERM (or `signal`) and waits for the end.
   * @throws Error with all that it wrote when it goes on for a minute; it is killed then
   */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

export function start(program: string, args: string[], options: RunOptions = {}): Started {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ? { ...options.env } : process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    uid: options.uid,
    gid: options.gid,
  })
  child.stdin.on('error', () => {})
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', chunk => out.push(chunk))
  child.stderr.on('data', chunk => err.push(chunk))
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString()
  const ended = (async () => {
    const failed = once(child, 'error').then(([error]) => Promise.reject(error))
    const [code, signal] = (await Promise.race([once(child, 'close'), failed])) as [number | null, string | null]
    return { code: code ?? -1, signal: signal ?? undefined, out: text(out), err: text(err) }
  })()
  ended.catch(() => {})
  return {
    child,
    out: () => text(out),
    err: () => text(err),
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      let deaf = false
      const timer = setTimeout(() => {
        deaf = true
        child.kill('SIGKILL')
      }, 60_000)
      const over = await ended.finally(() => clearTimeout(timer))
      if (deaf) throw new Error(`${program} ${args.join(' ')} did not end on ${signal}\n${over.out}${over.err}`)
      return over
    },
  }
}

/** A loopback port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Asks again and again until `look` answers something true or stops throwing, and gives that answer back.
 * @throws Error naming `what` and the last answer or error, after `timeoutMs` (default 30 s)
 */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  { timeoutMs = 30_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      last = await look()
      if (last) return last as NonNullable<T>
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline)
      throw new Error(
        `waited ${timeoutMs} ms for: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
      )
    await sleep(everyMs)
  }
}
