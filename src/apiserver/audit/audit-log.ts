import { basename, dirname, extname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Disk, OpenFile } from '../../base/disk.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { AuditBackend } from './auditor.ts'

export interface AuditLogOptions {
  /** Of the file that is written now; older ones lie beside it, with their time in the name. */
  path: string
  /** A file that would become larger is put aside; bytes. */
  maxBytes: number
  /** Files put aside are removed when they are older; 0: never. */
  maxAgeMs: number
  /** So many of them are kept; 0: all. */
  maxBackups: number
  disk: Disk
  clock: Clock
}

/** So much may wait for a slow disk; bytes. What comes then is lost, and counted. */
const maxWaitingBytes = 32 << 20
const chunkBytes = 1 << 20

/** More came than the disk could take. */
class TooMuchWaiting extends OptiFlowError {}

/** Events as lines of a file for its owner only, put aside when it is large. Written behind the requests, in order. */
export class AuditLog implements AuditBackend {
  readonly name = 'log'
  onLost: AuditBackend['onLost'] = () => {}
  readonly #options: AuditLogOptions
  #waiting: string[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #file: { open: OpenFile; bytes: number } | undefined

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line) + 1
    if (this.#waitingBytes + bytes > maxWaitingBytes) {
      this.onLost(1, new TooMuchWaiting(`${this.#options.path} cannot be written as fast as events come`))
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += bytes
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  /** What was written so far is in the file. */
  async flushed(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flushed()
    await this.#close()
  }

  async #writeAll(): Promise<void> {
    // What comes in this turn goes out together.
    await Promise.resolve()
    while (this.#waiting.length) {
      const lines = this.#take()
      const chunk = Buffer.from(`${lines.join('\n')}\n`)
      try {
        await this.#append(chunk)
      } catch (error) {
        this.onLost(lines.length, error)
        // A new try opens it anew: the disk may be another by then.
        await this.#close()
      }
      this.#waitingBytes -= chunk.length
    }
  }

  #take(): string[] {
    let bytes = 0
    let count = 0
    for (const line of this.#waiting) {
      bytes += line.length
      if (count > 0 && bytes > chunkBytes) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #append(chunk: Buffer): Promise<void> {
    let file = (this.#file ??= await this.#open())
    if (file.bytes > 0 && file.bytes + chunk.length > this.#options.maxBytes) {
      await this.#putAside()
      file = this.#file = await this.#open()
    }
    await file.open.write(chunk)
    file.bytes += chunk.length
  }

  async #open(): Promise<{ open: OpenFile; bytes: number }> {
    const { disk, path } = this.#options
    if (!(await disk.exists(path))) await disk.write(path, '', { mode: 0o600 })
    const open = await disk.open(path, 'a')
    return { open, bytes: await open.size() }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.open.close().catch(() => {})
  }

  async #putAside(): Promise<void> {
    const { disk, path, clock } = this.#options
    await this.#close()
    const time = new Date(clock.now()).toISOString().slice(0, 23).replaceAll(':', '-')
    const { stem, extension } = nameParts(path)
    let aside = join(dirname(path), `${stem}-${time}${extension}`)
    for (let n = 2; await disk.exists(aside); n++) aside = join(dirname(path), `${stem}-${time}.${n}${extension}`)
    await disk.rename(path, aside)
    await this.#removeOld()
  }

  async #removeOld(): Promise<void> {
    const { disk, path, clock, maxAgeMs, maxBackups } = this.#options
    const { stem, extension } = nameParts(path)
    const names = (await disk.list(dirname(path))).map(entry => entry.name)
    const aside = names
      .map(name => ({ name, atMs: asideAt(name, stem, extension) }))
      .filter((file): file is { name: string; atMs: number } => file.atMs !== undefined)
      .sort((a, b) => b.atMs - a.atMs || (a.name < b.name ? 1 : -1))
    const old = aside.filter(
      ({ atMs }, i) => (maxBackups > 0 && i >= maxBackups) || (maxAgeMs > 0 && atMs < clock.now() - maxAgeMs),
    )
    for (const { name } of old) await disk.remove(join(dirname(path), name))
  }
}

function nameParts(path: string): { stem: string; extension: string } {
  const extension = extname(path)
  return { stem: basename(path, extension), extension }
}

/** When a file of ours was put aside; undefined for the files of others. */
function asideAt(name: string, stem: string, extension: string): number | undefined {
  if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) return undefined
  const text = name.slice(stem.length + 1, name.length - extension.length)
  const found = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})(?:\.\d+)?$/.exec(text)
  return found ? Date.parse(`${found[1]}${found[2]}:${found[3]}:${found[4]}Z`) : undefined
}
