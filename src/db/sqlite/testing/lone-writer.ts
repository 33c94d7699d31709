import { loadSqlite } from '../database.ts'
import { Durable } from '../durable.ts'
import { mostUnfiled } from '../heads.ts'
import { Packer } from '../packing.ts'
import { Writer } from '../writer.ts'

/** The writer without its thread, whose time is this process'. */
export class LoneWriter {
  readonly writer: Writer

  static async open(path: string, checkpointPages = 4000): Promise<LoneWriter> {
    const { writer } = Writer.open(await loadSqlite(), {
      ...{ role: 'writer', path, checkpointPages, check: 'never' },
      ...{ durable: new Durable().memory, headsBehind: mostUnfiled, looksOut: false },
    })
    return new LoneWriter(writer)
  }

  private constructor(writer: Writer) {
    this.writer = writer
  }

  /** All in one transaction, each a commit of its own. */
  write = (changes: { key: string; value: Uint8Array | undefined }[]): void => {
    const packer = new Packer()
    for (const { key, value } of changes) {
      packer.number(0)
      packer.number(1)
      packer.text(key)
      packer.value(value)
      packer.text('')
      packer.value(undefined)
    }
    const { keys, numbers, bytes } = packer.finish()
    this.writer.commit([{ type: 'commit', commits: changes.length, keys, numbers, bytes, now: 1 }])
    this.writer.sync()
    this.writer.upkeep()
  }
}
