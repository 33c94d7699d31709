import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Clock } from '../../base/clock.ts'
import { sealedBy } from '../sealed/keyring.ts'
import { Compacted, type Revision, type Store, type Versioned } from '../store.ts'
import { BadBackup, ByteReader, u32 } from './bytes.ts'

/*
 * A backup is the store at one revision:
 *   optiflow-backup 1\n
 *   a line of JSON: BackupHeader
 *   pages: length in four bytes, then gzip of entries; a page of length 0 is the last
 *   SHA-256 of everything before
 */

export const backupFormat = 1
const magic = 'optiflow-backup'
const pageEntries = 500
const longestLine = 1 << 20
const largestPage = 1 << 30

export interface BackupHeader {
  /** RFC 3339. */
  created: string
  /** Of the state that it holds. */
  revision: string
  /** Key file to open what is sealed in it; only in backups that are themselves encrypted. */
  keys?: string
}

export interface Backup extends BackupHeader {
  entries: Versioned[]
  /** Ids of the keys that seal values in it. */
  sealedBy: string[]
}

export interface BackupOptions {
  clock: Clock
  keys?: string
}

const [pack, unpack] = [promisify(gzip), promisify(gunzip)]

/** Writes all of a store as it is now, while it is in use. @throws Compacted if history is shorter than this takes */
export async function* writeBackup(store: Store, options: BackupOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createHash('sha256')
  const out = (bytes: Buffer) => {
    digest.update(bytes)
    return bytes
  }
  const revision = await store.revision()
  const header: BackupHeader = {
    created: new Date(options.clock.now()).toISOString(),
    revision: `${revision}`,
    ...(options.keys ? { keys: options.keys } : {}),
  }
  yield out(Buffer.from(`${magic} ${backupFormat}\n${JSON.stringify(header)}\n`))
  for await (const entries of pagesOf(store, revision)) {
    const page = await pack(Buffer.concat(entries.map(encodeEntry)), { level: 3 })
    yield out(Buffer.concat([u32(page.length), page]))
  }
  yield out(u32(0))
  yield digest.digest()
}

/** All entries of a store at one revision, page by page. @throws Compacted */
export async function* pagesOf(store: Store, revision: Revision): AsyncGenerator<Versioned[], void, undefined> {
  if ((await store.compacted()) > revision) throw new Compacted(revision, await store.compacted())
  for (let after: string | undefined; ; ) {
    const page = await store.list('', { at: revision, limit: pageEntries, ...(after === undefined ? {} : { after }) })
    if (page.entries.length) yield page.entries
    if (page.remaining === 0) return
    after = page.entries.at(-1)!.key
  }
}

/** Reads a whole backup and checks all of it before anything is given back. @throws BadBackup */
export async function readBackup(chunks: AsyncIterable<Uint8Array>): Promise<Backup> {
  const reader = new ByteReader(chunks)
  const digest = createHash('sha256')
  const first = await reader.line(64)
  checkFormat(first)
  const text = await reader.line(longestLine)
  digest.update(`${first}\n${text}\n`)
  const pages: Buffer[] = []
  for (;;) {
    const length = await reader.exactly(4)
    digest.update(length)
    const size = length.readUInt32BE()
    if (size === 0) break
    if (size > largestPage) throw broken()
    const page = await reader.exactly(size)
    digest.update(page)
    pages.push(page)
  }
  const sum = await reader.exactly(32)
  if (!sum.equals(digest.digest()) || !(await reader.atEnd())) throw broken()
  const entries: Versioned[] = []
  for (const page of pages) decodeEntries(await unpack(page), entries)
  const ids = new Set(entries.map(e => sealedBy(e.value)).filter(id => id !== undefined))
  return { ...(JSON.parse(text) as BackupHeader), entries, sealedBy: [...ids] }
}

/** The same for two stores that hold the same entries at the same revisions. */
export class Digest {
  readonly #hash = createHash('sha256')
  count = 0

  add(entry: Versioned): void {
    this.count++
    this.#hash.update(encodeEntry(entry))
  }

  text(): string {
    return this.#hash.digest('hex')
  }
}

function checkFormat(line: string): void {
  const [name, format] = line.split(' ')
  if (name !== magic)
    throw new BadBackup('this file is no backup', { hint: 'Name a file that "optiflow backup" wrote.' })
  if (format !== `${backupFormat}`)
    throw new BadBackup(`the backup has the format ${format}; this program reads ${backupFormat}`, {
      hint: 'Use the version of OptiFlow that wrote it.',
    })
}

function broken(): BadBackup {
  return new BadBackup('the backup is not as it was written: its checksum does not fit', {
    hint: 'Use another copy of it.',
  })
}

function encodeEntry({ key, value, revision, created }: Versioned): Buffer {
  const name = Buffer.from(key)
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64BE(revision)
  numbers.writeBigUInt64BE(created, 8)
  return Buffer.concat([u32(name.length), name, numbers, u32(value.length), value])
}

function decodeEntries(page: Buffer, into: Versioned[]): void {
  for (let at = 0; at < page.length; ) {
    const nameLength = page.readUInt32BE(at)
    const key = page.toString('utf8', at + 4, at + 4 + nameLength)
    at += 4 + nameLength
    const [revision, created] = [page.readBigUInt64BE(at), page.readBigUInt64BE(at + 8)]
    const length = page.readUInt32BE(at + 16)
    at += 20
    into.push({ key, value: new Uint8Array(page.subarray(at, at + length)), revision, created })
    at += length
  }
}
