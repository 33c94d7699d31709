import type { Commands } from '../../src/base/commands.ts'
import type { Disk } from '../../src/base/disk.ts'
import type { TarEntry } from '../../src/runtime/tar.ts'

/** A program of this machine and the libraries that it is linked with, at their places, as files of an image. */
export async function programFiles(disk: Disk, commands: Commands, program: string): Promise<TarEntry[]> {
  const { stdout } = await commands.run('ldd', [program])
  const paths = [program, ...[...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!)]
  return Promise.all(paths.map(async path => ({ path: path.slice(1), mode: 0o755, data: await disk.read(path) })))
}
