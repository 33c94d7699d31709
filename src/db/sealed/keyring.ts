import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import { StoreFailed } from '../store.ts'

/** Begins every sealed value; no JSON does. */
const magic = Buffer.from([0, 0x4f, 0x53, 1])
const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32

/** One line of the key file: `<id> <key in base64>`. */
interface Key {
  id: string
  bytes: Buffer
}

/** A value cannot be opened: its key is not known, or it was changed. */
export class CannotOpen extends StoreFailed {
  readonly keyId: string
  constructor(key: string, keyId: string, why: string) {
    super(`the value of ${key} cannot be decrypted with key ${keyId}: ${why}`, {
      hint: 'Put the key file back that was in use when it was written.',
    })
    this.keyId = keyId
  }
}

/**
 * The keys of a key file, the one that seals first; the others only open what was sealed before. AES-256-GCM; the value's
 * key in the store is sealed with it, so that no value can be put in the place of another.
 */
export class Keyring {
  readonly #path: string
  readonly #disk: Disk
  #keys: Key[]

  /** Reads the file, or makes it with a new key, for the owner only. @throws StoreFailed */
  static async open(path: string, disk: Disk): Promise<Keyring> {
    const ring = new Keyring(path, disk, [])
    await ring.reload()
    if (ring.#keys.length === 0) await ring.rotate()
    return ring
  }

  private constructor(path: string, disk: Disk, keys: Key[]) {
    this.#path = path
    this.#disk = disk
    this.#keys = keys
  }

  get path(): string {
    return this.#path
  }

  /** Of the key that seals. */
  get primary(): string {
    return this.#keys[0]!.id
  }

  get ids(): string[] {
    return this.#keys.map(k => k.id)
  }

  /** A new key seals from now on; those before still open. It is in the file before it is used. */
  async rotate(): Promise<string> {
    const key = { id: randomBytes(6).toString('hex'), bytes: randomBytes(keyBytes) }
    await this.#write([key, ...this.#keys])
    return key.id
  }

  /** Takes up keys of a backup that are not here yet, to open with. */
  async add(text: string): Promise<void> {
    const known = new Set(this.ids)
    await this.#write([...this.#keys, ...parseKeys(text, 'the backup').filter(k => !known.has(k.id))])
  }

  /** The file's text: as secret as everything that it seals. */
  text(): string {
    return textOf(this.#keys)
  }

  /** Reads the file again: somebody may have put another server's keys into it. */
  async reload(): Promise<void> {
    try {
      const { mode } = await this.#disk.stat(this.#path)
      if (mode & 0o077)
        throw new StoreFailed(`the key file ${this.#path} can be read by others than its owner`, {
          hint: `chmod 600 ${this.#path}; if others may have read it, run "optiflow store rotate-key" too.`,
        })
      this.#keys = parseKeys(await this.#disk.readText(this.#path), this.#path)
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return
      if (cause instanceof StoreFailed) throw cause
      throw new StoreFailed(`the key file ${this.#path} cannot be read`, { cause })
    }
  }

  seal(key: string, value: Uint8Array): Uint8Array {
    const { id, bytes } = this.#keys[0]!
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(Buffer.from(key))
    const parts = [magic, Buffer.from([id.length]), Buffer.from(id), nonce, cipher.update(value), cipher.final()]
    return new Uint8Array(Buffer.concat([...parts, cipher.getAuthTag()]))
  }

  /** The inverse; what is not sealed is given back as it is. @throws CannotOpen */
  open(key: string, value: Uint8Array): Uint8Array {
    const id = sealedBy(value)
    if (id === undefined) return value
    const found = this.#keys.find(k => k.id === id)
    if (!found) throw new CannotOpen(key, id, `it is not in ${this.#path}`)
    const at = magic.length + 1 + id.length
    const end = value.length - tagBytes
    try {
      const decipher = createDecipheriv('aes-256-gcm', found.bytes, value.subarray(at, at + nonceBytes))
      decipher.setAAD(Buffer.from(key)).setAuthTag(value.subarray(end))
      const opened = Buffer.concat([decipher.update(value.subarray(at + nonceBytes, end)), decipher.final()])
      return new Uint8Array(opened.buffer, opened.byteOffset, opened.length)
    } catch {
      throw new CannotOpen(key, id, 'it was changed since it was written')
    }
  }

  async #write(keys: Key[]): Promise<void> {
    await this.#disk.write(this.#path, textOf(keys), { mode: 0o600 })
    this.#keys = keys
  }
}

/** The id of the key that sealed a value; undefined if it is not sealed. */
export function sealedBy(value: Uint8Array): string | undefined {
  if (value.length < magic.length + 1 || !magic.every((byte, i) => value[i] === byte)) return undefined
  const start = magic.length + 1
  return Buffer.from(value.subarray(start, start + value[magic.length]!)).toString('latin1')
}

function textOf(keys: readonly Key[]): string {
  const head =
    '# Keys of the values that are encrypted in the store; the first one encrypts. Without them those values are lost.\n'
  return head + keys.map(k => `${k.id} ${k.bytes.toString('base64')}\n`).join('')
}

function parseKeys(text: string, from: string): Key[] {
  const lines = text.split('\n').filter(line => line.trim() && !line.startsWith('#'))
  return lines.map(line => {
    const [id = '', encoded = ''] = line.trim().split(/\s+/)
    const bytes = Buffer.from(encoded, 'base64')
    if (!/^[\w-]{1,64}$/.test(id) || bytes.length !== keyBytes)
      throw new StoreFailed(`a line of ${from} is not an id and a key of ${keyBytes} bytes in base64`)
    return { id, bytes }
  })
}
