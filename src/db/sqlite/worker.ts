import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { backfill, type Database, loadSqlite } from './database.ts'
import { failureOf } from './failure.ts'
import { openBeside } from './open-file.ts'
import { movable } from './packing.ts'
import type {
  ChangesReply,
  CommitGroup,
  HistoryReply,
  ListReply,
  Numbered,
  Reply,
  Request,
  ThreadOptions,
} from './protocol.ts'
import { HistoryReader } from './reader.ts'
import { Writer } from './writer.ts'

/*
 * A thread of the SQLite store: the writer, the reader or the checkpointer. It answers in order. The writer takes all commits that have
 * arrived by the time it is free into one transaction: while one fsync runs, the next group gathers in the port.
 */

const port = parentPort!
const options = workerData as ThreadOptions
type Message = Numbered | CommitGroup

try {
  const open = await loadSqlite()
  if (options.role === 'writer') {
    const { writer, opened } = Writer.open(open, options)
    serve(messages => handleInGroups(writer, messages))
    port.postMessage(opened)
  } else if (options.role === 'checkpointer') {
    const database = openBeside(open, options)
    serve(messages => {
      for (const message of messages) if (!('type' in message)) answer(message, request => move(database, request))
    })
    port.postMessage({ opened: true, revision: 0, oldest: 0, unclean: false, checkedMs: 0 })
  } else {
    const reader = new HistoryReader(open, options)
    serve(messages => {
      for (const message of messages) if (!('type' in message)) answer(message, request => read(reader, request))
    })
    port.postMessage({ opened: true, revision: 0, oldest: 0, unclean: false, checkedMs: 0 })
  }
} catch (error) {
  port.postMessage({ opened: false, failure: failureOf(error) })
  port.close()
}

function serve(handle: (messages: Message[]) => void): void {
  port.on('message', (first: Message) => handle([first, ...waiting(port)]))
}

function waiting(from: MessagePort): Message[] {
  const messages: Message[] = []
  for (let next = receiveMessageOnPort(from); next; next = receiveMessageOnPort(from)) messages.push(next.message)
  return messages
}

function handleInGroups(writer: Writer, messages: Message[]): void {
  for (let i = 0; i < messages.length; ) {
    const groups: CommitGroup[] = []
    for (; i < messages.length; i++) {
      const message = messages[i]!
      if (!('type' in message)) break
      groups.push(message)
    }
    if (groups.length) {
      const results = writer.commit(groups)
      port.postMessage(
        { type: 'committed', results },
        results.flatMap(r => movable(r.numbers)),
      )
    } else answer(messages[i++] as Numbered, request => write(writer, request))
  }
}

function answer({ id, request }: Numbered, act: (request: Request) => unknown): void {
  let reply: Reply
  let moved: ArrayBuffer[] = []
  try {
    const result = act(request)
    reply = { type: 'reply', id, result }
    if (request.type === 'list' || request.type === 'history' || request.type === 'changes') {
      const { numbers, bytes } = result as ListReply | HistoryReply | ChangesReply
      moved = movable(numbers, bytes)
    }
  } catch (error) {
    reply = { type: 'reply', id, failure: failureOf(error) }
  }
  port.postMessage(reply, moved)
  if (request.type === 'close') port.close()
}

function write(writer: Writer, request: Request): unknown {
  switch (request.type) {
    case 'revision':
      return writer.revision
    case 'compact':
      return writer.compact(request.revision)
    case 'sweep':
      return writer.sweep(request.rows)
    case 'vacuum':
      return writer.vacuum(request.pages)
    case 'backfill':
      return writer.backfill()
    case 'checkpoint':
      return writer.checkpoint()
    case 'refuse':
      return writer.refuse(request.message)
    case 'usage':
      return writer.usage()
    case 'momentAt':
      return writer.momentAt(request.at)
    case 'close':
      return writer.close()
    default:
      throw new Error(`the writer does not know the request ${request.type}`)
  }
}

function move(database: Database, request: Request): unknown {
  switch (request.type) {
    case 'backfill':
      return backfill(database)
    case 'close':
      return database.close()
    default:
      throw new Error(`the checkpointer does not know the request ${request.type}`)
  }
}

function read(reader: HistoryReader, request: Request): unknown {
  switch (request.type) {
    case 'get':
      return reader.get(request.key, request.at)
    case 'list':
      return reader.list(request.list)
    case 'history':
      return reader.history(request.from, request.to, request.after, request.through)
    case 'changes':
      return reader.changes(request.key, request.limit, request.before)
    case 'revisionAt':
      return reader.revisionAt(request.at)
    case 'close':
      return reader.close()
    default:
      throw new Error(`the reader does not know the request ${request.type}`)
  }
}
