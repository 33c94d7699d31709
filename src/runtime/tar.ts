export interface TarEntry {
  /** Without a leading slash. */
  path: string
  /** Content of a file; absent for folders and links. */
  data?: Uint8Array | string
  /** Permission bits; 0644 for files and 0755 for folders unless said otherwise. */
  mode?: number
  uid?: number
  gid?: number
  /** It is a symbolic link to this. */
  link?: string
  folder?: boolean
}

/** A tar file (POSIX ustar) with these entries, the same bytes for the same entries. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '')
    parts.push(header(entry, data.length), data, Buffer.alloc((512 - (data.length % 512)) % 512))
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(512)
  const kind = entry.folder ? '5' : entry.link !== undefined ? '2' : '0'
  const [prefix, name] = split(entry.folder && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path)
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(name, 0, 100, 'utf8')
  octal(entry.mode ?? (entry.folder ? 0o755 : 0o644), 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(kind, 156, 'latin1')
  if (entry.link !== undefined) block.write(entry.link, 157, 100, 'utf8')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345, 155, 'utf8')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A path longer than 100 bytes is kept in two fields, cut at a slash. */
function split(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path]
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1))
    if (Buffer.byteLength(path.slice(at + 1)) <= 100 && Buffer.byteLength(path.slice(0, at)) <= 155)
      return [path.slice(0, at), path.slice(at + 1)]
  throw new Error(`path too long for a tar file: ${path}`)
}
