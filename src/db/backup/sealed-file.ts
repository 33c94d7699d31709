import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { BadBackup, ByteReader, u32 } from './bytes.ts'

/*
 * An encrypted stream:
 *   optiflow-sealed 1\n
 *   a line of JSON: how the key is made
 *   pieces: length in four bytes, then AES-256-GCM of up to 64 KiB and its tag. A piece's number and whether it is the last
 *   are sealed with it, so none can be left out, repeated or moved. The key is of this one file, so numbers do as nonces.
 */

export type Secret = { passphrase: string } | { keyFile: Uint8Array }

const magic = 'optiflow-sealed 1'
const pieceBytes = 64 << 10
const tagBytes = 16
const scryptCost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 << 20 }
const derive = promisify<string, Buffer, number, typeof scryptCost, Buffer>(scrypt)

export async function* sealStream(
  chunks: AsyncIterable<Uint8Array>,
  secret: Secret,
): AsyncGenerator<Uint8Array, void, undefined> {
  const salt = randomBytes(16)
  const kind = 'passphrase' in secret ? 'passphrase' : 'key-file'
  yield Buffer.from(`${magic}\n${JSON.stringify({ key: kind, salt: salt.toString('base64') })}\n`)
  const key = await keyOf(secret, salt)
  let waiting = Buffer.alloc(0)
  let number = 0
  for await (const chunk of chunks) {
    waiting = Buffer.concat([waiting, chunk])
    for (; waiting.length > pieceBytes; waiting = waiting.subarray(pieceBytes))
      yield sealPiece(key, number++, false, waiting.subarray(0, pieceBytes))
  }
  yield sealPiece(key, number, true, waiting)
}

/** The plain stream of a file, encrypted or not. @throws BadBackup without the right secret, or when it was changed */
export async function* openStream(
  chunks: AsyncIterable<Uint8Array>,
  secret: Secret | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(chunks)
  const first = await reader.line(64)
  if (first !== magic) {
    yield Buffer.from(`${first}\n`)
    while (!(await reader.atEnd())) yield await reader.rest()
    return
  }
  const { key: kind, salt } = readHead(await reader.line(1024))
  const flag = kind === 'passphrase' ? '--passphrase-file' : '--key-file'
  if (!secret) throw new BadBackup(`the backup is encrypted with a ${kind}`, { hint: `Give it with ${flag}.` })
  const key = await keyOf(secret, Buffer.from(salt, 'base64'))
  for (let number = 0, last = false; !last; number++) {
    const length = (await reader.exactly(4)).readUInt32BE()
    if (length > pieceBytes + tagBytes || length < tagBytes) throw wrongSecret()
    const piece = await reader.exactly(length)
    last = await reader.atEnd()
    yield openPiece(key, number, last, piece)
  }
}

function readHead(line: string): { key: string; salt: string } {
  try {
    const { key, salt } = JSON.parse(line)
    return { key: String(key), salt: String(salt) }
  } catch (cause) {
    throw new BadBackup('the backup is not as it was written', { cause, hint: 'Use another copy of it.' })
  }
}

async function keyOf(secret: Secret, salt: Buffer): Promise<Buffer> {
  if ('passphrase' in secret) return derive(secret.passphrase, salt, 32, scryptCost)
  return Buffer.from(hkdfSync('sha256', secret.keyFile, salt, 'optiflow backup', 32))
}

function sealPiece(key: Buffer, number: number, last: boolean, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number)).setAAD(Buffer.from([last ? 1 : 0]))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return Buffer.concat([u32(sealed.length), sealed])
}

function openPiece(key: Buffer, number: number, last: boolean, sealed: Buffer): Buffer {
  const end = sealed.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number)).setAAD(Buffer.from([last ? 1 : 0]))
  decipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  } catch {
    throw wrongSecret()
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(number, 8)
  return nonce
}

function wrongSecret(): BadBackup {
  return new BadBackup('the backup cannot be decrypted', {
    hint: 'Check the passphrase or key file; if it is right, the file was changed: use another copy.',
  })
}
