import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { logAndHeads, openBare, transaction } from './raw-rows.ts'

/*
 * The least that a store with a thread of its own can do: it answers how many messages it took, after one bare transaction of them if
 * it was given a file.
 */
export interface RawCommit {
  key: string
  value: Uint8Array
}

const { path } = workerData as { path: string | undefined }
const database = path === undefined ? undefined : openBare(path)
const write = database && logAndHeads(database)
const port = parentPort!

port.on('message', (first: RawCommit) => {
  const all = [first]
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) all.push(next.message)
  if (write)
    transaction(database, () => {
      for (const { key, value } of all) write(key, value)
    })
  port.postMessage(all.length)
})
