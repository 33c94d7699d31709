import { resolve } from 'node:path'
import type { Machine } from './lan.ts'
import { until } from './processes.ts'

export interface Target {
  name: string
  url: string
  host?: string
  /** Connections are kept for the next request. */
  keep?: boolean
  /** Another rate than that of all. */
  perSecond?: number
  /** Requests under way at once, beyond which it waits; 8 where nothing is said, for servers with a short queue. */
  width?: number
}

export interface LoadResult {
  name: string
  /** How often what came: `ok`, a status, or the code of an error. */
  got: Record<string, number>
  /** The first errors, with their times. */
  errors: string[]
  /** What the machine really gave. */
  perSecond: number
  /** Milliseconds: what 99 of 100 answers did not exceed, and the longest. */
  p99Ms: number
  slowestMs: number
  /** What asking itself took of a processor, microseconds a request, of all targets together. */
  processorMicros: number
}

/** Requests from a machine to some targets; resolves when the first have gone out. */
export async function startLoad(from: Machine, perSecond: number, targets: Target[]) {
  const script = resolve(import.meta.dirname, 'load-main.mjs')
  const load = from.start(process.execPath, [script, String(perSecond), ...targets.map(t => JSON.stringify(t))])
  await until('the load', () => load.out().includes('asking'))
  return {
    /** Waits for the answers under way. */
    async stop(): Promise<LoadResult[]> {
      const { out, err, code } = await load.stop()
      const line = out.split('\n').find(l => l.startsWith('['))
      if (!line) throw new Error(`the load ended with ${code}\n${out}${err}`)
      return JSON.parse(line)
    },
  }
}
