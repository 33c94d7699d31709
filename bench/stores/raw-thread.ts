import { Worker } from 'node:worker_threads'
import { systemDisk } from '../../src/base/disk.ts'
import { workerFile } from '../../src/base/worker-file.ts'
import { Concurrent, nextValue } from './load.ts'
import type { RawCommit } from './raw-worker.ts'

/**
 * What lies between: the hop to a thread and back. With a file, bare commits behind messages: no store with a thread of its own can be
 * faster. Without, messages that are only answered.
 */
export async function rawThread(inFlight: number, path?: string): Promise<Concurrent & { close(): Promise<number> }> {
  const worker = new Worker(await workerFile(new URL('./raw-worker.ts', import.meta.url), systemDisk), {
    workerData: { path },
    execArgv: [],
  })
  const waiting: (() => void)[] = []
  worker.on('message', (count: number) => {
    for (const resolve of waiting.splice(0, count)) resolve()
  })
  const contender = new Concurrent(inFlight, key => {
    worker.postMessage({ key, value: nextValue() } satisfies RawCommit)
    return new Promise<bigint>(resolve => waiting.push(() => resolve(0n)))
  })
  return Object.assign(contender, { close: () => worker.terminate() })
}
