import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { SyncedFile } from '../../base/synced-file.ts'
import { Bell } from './bell.ts'
import { backfill, type Database, loadSqlite } from './database.ts'
import { Durable } from './durable.ts'
import { failureOf } from './failure.ts'
import { GroupWriter, numbersOf } from './group-writer.ts'
import { Lookout } from './lookout.ts'
import { openBeside } from './open-file.ts'
import { movable } from './packing.ts'
import type {
  ChangesReply,
  CommitGroup,
  Committed,
  HistoryReply,
  ListReply,
  Numbered,
  Opened,
  Reply,
  Request,
  ThreadData,
  Written,
} from './protocol.ts'
import { HistoryReader } from './reader.ts'
import { Syncer } from './syncer.ts'
import { Writer } from './writer.ts'

/*
 * A thread of the SQLite store: the writer, the reader, the checkpointer or the syncer. It answers in order. The writer takes all
 * commits that have arrived by the time it is free into one transaction.
 */

const options = workerData as ThreadData
const { port } = options
const answered = new Bell(options.answered)
type Message = Numbered | CommitGroup
const durable = new Durable(options.durable)
const started: Opened = { opened: true, revision: 0, oldest: 0, unclean: false, checkedMs: 0 }

try {
  const open = await loadSqlite()
  if (options.role === 'writer') {
    const { writer, opened } = Writer.open(open, options)
    const groups = new GroupWriter(writer, tell)
    const lookout = options.looksOut ? new Lookout(new Bell(options.sent)) : undefined
    serveOneByOne(messages => handleInGroups(groups, writer, messages), lookout)
    port.postMessage(opened)
  } else if (options.role === 'syncer') {
    const syncer = new Syncer(new SyncedFile(`${options.path}-wal`), durable)
    serve(messages => {
      for (const message of messages) if (!('type' in message)) answer(message, request => sync(syncer, request))
    })
    port.postMessage(started)
  } else if (options.role === 'checkpointer') {
    const database = openBeside(open, options)
    serve(messages => {
      for (const message of messages) if (!('type' in message)) answer(message, request => move(database, request))
    })
    port.postMessage(started)
  } else {
    const reader = new HistoryReader(open, options)
    serve(messages => {
      for (const message of messages) if (!('type' in message)) answer(message, request => read(reader, request))
    })
    port.postMessage(started)
  }
} catch (error) {
  port.postMessage({ opened: false, failure: failureOf(error) })
  port.close()
}

function serve(handle: (messages: Message[]) => void): void {
  port.on('message', (first: Message) => handle([first, ...waiting<Message>(port)]))
}

/** After a commit that came alone, the next one is looked out for. */
function serveOneByOne(handle: (messages: Message[]) => void, lookout: Lookout | undefined): void {
  serve(messages => {
    let next = messages
    let looksOut = lookout?.soon ?? false
    while (next.length > 0) {
      const heard = lookout?.heard ?? 0
      looksOut &&= next.length === 1 && isLone(next[0]!)
      handle(next)
      next = waiting<Message>(port)
      if (next.length === 0 && looksOut && lookout!.keep(heard)) next = waiting<Message>(port)
    }
    lookout?.rest()
  })
}

function isLone(message: Message): boolean {
  return 'type' in message && message.commits === 1
}

function tell(message: Reply | Committed, moved: ArrayBuffer[]): void {
  port.postMessage(message, moved)
  answered.ring()
}

function waiting<T>(from: MessagePort): T[] {
  const messages: T[] = []
  for (let next = receiveMessageOnPort(from); next; next = receiveMessageOnPort(from)) messages.push(next.message)
  return messages
}

function handleInGroups(writing: GroupWriter, writer: Writer, messages: Message[]): void {
  const waits = () => {
    messages.push(...waiting<Message>(port))
    return messages.length > 0
  }
  while (messages.length) {
    const request = messages.findIndex(m => !('type' in m))
    const groups = messages.splice(0, request < 0 ? messages.length : request) as CommitGroup[]
    if (groups.length) writing.write(groups, waits)
    else
      answer(messages.shift() as Numbered, request =>
        request.type === 'sync' ? writing.handOverTo(request.port) : write(writer, request),
      )
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
  tell(reply, moved)
  if (request.type === 'close') port.close()
}

function write(writer: Writer, request: Request): unknown {
  switch (request.type) {
    case 'revision':
      return durable.revision
    case 'compact':
      return writer.compact(request.revision)
    case 'sweep':
      return writer.sweep(request.rows)
    case 'sweepAuthors':
      return writer.sweepAuthors()
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

function sync(syncer: Syncer, request: Request): unknown {
  switch (request.type) {
    case 'sync': {
      const from = request.port
      return syncer.serve(
        from,
        () => waiting<Written>(from),
        committed => tell(committed, numbersOf(committed)),
      )
    }
    case 'close':
      return syncer.close()
    default:
      throw new Error(`the syncer does not know the request ${request.type}`)
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
