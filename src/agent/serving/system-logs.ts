import type { Disk, OpenFile } from '../../base/disk.ts'
import { Refused } from './pod-access.ts'

/** Where a machine keeps its logs. */
export const systemLogFolder = '/var/log'

/** A page of links for a folder, the bytes of a file. */
export type SystemLog = { page: string } | { bytes: AsyncGenerator<Uint8Array> }

const pieceBytes = 64 << 10

/**
 * What kubelet serves at `/logs/…`: files and folders below /var/log.
 * Links are not followed: a pod that may write there could lead them anywhere.
 * @param path what follows `/logs/` in the address, decoded
 * @throws Refused 404 when it is not there, 403 for a link or a path that leads out
 */
export async function systemLog(disk: Disk, path: string, root = systemLogFolder): Promise<SystemLog> {
  const steps = path.split('/').filter(Boolean)
  if (steps.some(step => step === '..' || step.includes('\0')))
    throw new Refused(403, `${path} leads out of ${systemLogFolder}`)
  let place = root
  let isFolder = true
  for (const step of steps) {
    place = `${place}/${step}`
    const found = await disk.lstat(place).catch(() => undefined)
    if (!found) throw new Refused(404, `no ${path} below ${systemLogFolder}`)
    if (found.isSymbolicLink()) throw new Refused(403, `${step} is a link, which is not followed`)
    isFolder = found.isDirectory()
    if (!isFolder && !found.isFile()) throw new Refused(403, `${step} is neither a file nor a folder`)
  }
  if (!isFolder) return { bytes: bytesOf(await disk.open(place)) }
  const entries = await disk.list(place).catch(() => [])
  const names = entries.map(entry => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
  return { page: `<pre>\n${names.map(linkTo).join('')}</pre>\n` }
}

async function* bytesOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; ; ) {
      const piece = new Uint8Array(pieceBytes)
      const count = await file.read(piece, position)
      if (!count) return
      position += count
      yield piece.subarray(0, count)
    }
  } finally {
    await file.close()
  }
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

function linkTo(name: string): string {
  const address = name.split('/').map(encodeURIComponent).join('/')
  return `<a href="${address}">${name.replace(/[&<>"']/g, char => entities[char]!)}</a>\n`
}
