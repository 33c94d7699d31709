import type { Disk } from './disk.ts'

/**
 * Keeps a log that another program goes on appending to from growing without end: beyond `maxBytes` what it says goes to
 * `<path>.old`, in place of what was there, and the file begins anew under the program's hands. Lines of these milliseconds are lost.
 * The program must have opened it to append (`>>`): it would else write on where it was. No file is fine.
 */
export async function keepWithin(disk: Disk, path: string, maxBytes: number): Promise<void> {
  const { size } = (await disk.stat(path).catch(() => undefined)) ?? { size: 0 }
  if (size <= maxBytes) return
  const said = await disk.read(path)
  // What a full disk does not take is not worth keeping the disk full for.
  await disk.write(`${path}.old`, said.subarray(-maxBytes)).catch(() => {})
  await (await disk.open(path, 'w')).close()
}
