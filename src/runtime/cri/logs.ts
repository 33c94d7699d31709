import { type Clock, sleep } from '../../base/clock.ts'
import type { Disk, OpenFile } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import type { LogOptions } from '../runtime.ts'

/** A line of a CRI log file: `2026-01-01T00:00:00.000000000Z stdout F text`. */
export interface LogLine {
  timestamp: string
  stream: 'stdout' | 'stderr'
  /** The line goes on in the next entry of its stream; there is no line end after it. */
  partial: boolean
  text: Buffer
}

/** @returns undefined for what is no entry of a CRI log */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space)
  const second = line.indexOf(space, first + 1)
  if (first < 20 || second < 0) return undefined
  const stream = line.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  let third = line.indexOf(space, second + 1)
  if (third < 0) third = line.length
  // Tags are separated by colons; the first says P(artial) or F(ull).
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    partial: line[second + 1] === 0x50,
    text: line.subarray(third + 1),
  }
}

const space = 0x20
const newline = 0x0a
const chunkBytes = 64 << 10

export interface LogSource {
  disk: Disk
  clock: Clock
  /** Whether the container has ended, so that nothing more will come. Asked when a follower finds no more. */
  ended(): Promise<boolean>
}

/**
 * Reads a container's output from its CRI log file, as written: stdout and stderr in the order of the file.
 * Follows it over rotation. A tail is read from the file's end, however long the file is.
 * @throws ENOENT when there is no such file
 */
export async function* readLog(
  source: LogSource,
  path: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  let file = await source.disk.open(path)
  try {
    let inode = await file.inode()
    const size = await file.size()
    // What is written while it is being read is for followers only: a tail of one line has one line.
    const end = options.follow ? Number.POSITIVE_INFINITY : size
    let position = options.tailLines === undefined ? 0 : await tailStart(file, options.tailLines, size)
    let rest: Buffer = Buffer.alloc(0)
    /** Each stream's last entry was partial: the next goes on without a time stamp of its own. */
    const goingOn = { stdout: false, stderr: false }
    const buffer = Buffer.alloc(chunkBytes)
    while (!signal.aborted) {
      const ended = options.follow ? await source.ended() : true
      for (;;) {
        const got = await file.read(buffer.subarray(0, Math.min(chunkBytes, end - position)), position)
        if (got === 0) break
        position += got
        const out: Buffer[] = []
        let data = rest.length ? Buffer.concat([rest, buffer.subarray(0, got)]) : buffer.subarray(0, got)
        for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline)) {
          const entry = parseLogLine(data.subarray(0, end))
          data = data.subarray(end + 1)
          if (entry && after(entry, options.sinceMs)) out.push(...show(entry, goingOn, options.timestamps ?? false))
        }
        rest = Buffer.from(data)
        const bytes = Buffer.concat(out)
        if (bytes.length) yield bytes.subarray(0, left)
        left -= bytes.length
        if (left <= 0 || signal.aborted) return
      }
      if (!options.follow) return
      const moved = await rotated(source.disk, path, inode, position)
      if (moved) {
        // What was written between our last read and the rotation.
        const remaining = (await file.size()) - position
        if (remaining > 0) continue
        const next = await source.disk.open(path).catch(() => undefined)
        if (next) {
          await file.close()
          file = next
          inode = await file.inode()
          position = 0
          rest = Buffer.alloc(0)
          continue
        }
      }
      if (ended) return
      await changed(source, path, signal)
    }
  } finally {
    await file.close()
  }
}

function* show(entry: LogLine, goingOn: Record<'stdout' | 'stderr', boolean>, timestamps: boolean): Generator<Buffer> {
  if (timestamps && !goingOn[entry.stream]) yield Buffer.from(`${entry.timestamp} `)
  // A copy: the chunk that the text is a part of is read over.
  yield Buffer.from(entry.text)
  if (!entry.partial) yield Buffer.of(newline)
  goingOn[entry.stream] = entry.partial
}

function after(entry: LogLine, sinceMs: number | undefined): boolean {
  return sinceMs === undefined || Date.parse(entry.timestamp) >= sinceMs
}

/** Where the last `lines` lines of the first `size` bytes begin, reading backwards. Partial entries belong to the line that ends them. */
export async function tailStart(file: OpenFile, lines: number, size: number): Promise<number> {
  if (lines <= 0) return size
  let found = 0
  /** Start of the earliest entry that belongs to the lines counted so far. */
  let start = size
  let end = size
  let carry: Buffer = Buffer.alloc(0)
  while (end > 0) {
    const length = Math.min(chunkBytes, end)
    const chunk = Buffer.alloc(length)
    await file.read(chunk, end - length)
    const data = Buffer.concat([chunk, carry])
    let stop = data.length
    // Entry by entry from the back: the bytes between two line ends.
    for (;;) {
      const hasEnd = stop > 0 && data[stop - 1] === newline
      const begin = data.lastIndexOf(newline, stop - (hasEnd ? 2 : 1))
      if (begin < 0 && end - length > 0) break
      if (stop <= 0) break
      const entry = parseLogLine(data.subarray(begin + 1, hasEnd ? stop - 1 : stop))
      if (entry && !entry.partial && ++found > lines) return start
      start = end - length + begin + 1
      stop = begin + 1
    }
    carry = data.subarray(0, stop)
    end -= length
  }
  return 0
}

async function rotated(disk: Disk, path: string, inode: number, position: number): Promise<boolean> {
  try {
    const now = await disk.stat(path)
    return now.ino !== inode || now.size < position
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Waits until something happens to the file, or a while: the file system's events get lost on some mounts. */
async function changed({ disk, clock }: LogSource, path: string, signal: AbortSignal): Promise<void> {
  const stop = new AbortController()
  const onAbort = () => stop.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const event = new Promise<void>(resolve => {
      disk
        .watch(path.slice(0, path.lastIndexOf('/')), seen => (seen === name || seen === null) && resolve(), stop.signal)
        .catch(() => {})
    })
    await Promise.race([event, sleep(clock, 250, stop.signal).catch(() => {})])
  } finally {
    signal.removeEventListener('abort', onAbort)
    stop.abort()
  }
}

/**
 * The next file names of a log that is rotated: `0.log` becomes `0.log.1`, that `0.log.2`, and so on; the oldest goes.
 * @param maxFiles files in all, the one being written among them; at least 2
 * @returns renames in the order in which to do them, and what to remove first
 */
export function planRotation(
  existing: readonly string[],
  name: string,
  maxFiles: number,
): { remove: string[]; rename: [from: string, to: string][] } {
  const numbers = existing
    .filter(file => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map(file => Number(file.slice(name.length + 1)))
    .sort((a, b) => b - a)
  const keep = Math.max(maxFiles, 2) - 1
  const remove = numbers.filter(n => n >= keep).map(n => `${name}.${n}`)
  const rename: [string, string][] = numbers.filter(n => n < keep).map(n => [`${name}.${n}`, `${name}.${n + 1}`])
  return { remove, rename: [...rename, [name, `${name}.1`]] }
}
