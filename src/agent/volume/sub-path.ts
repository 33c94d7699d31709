import { dirname, join } from 'node:path'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { codeOf } from '../../base/errors.ts'
import { mountPoints } from '../../base/mount-points.ts'
import { ContainerConfigInvalid } from '../pod/config-invalid.ts'

export interface SubPathTools {
  disk: Disk
  commands: Commands
}

/**
 * A path inside a volume, held fast: a pod that swaps a folder for a link between our look and the runtime's mount would
 * otherwise reach the whole host. What we looked at is opened, checked by its descriptor, and bound to `pin`, which the
 * pod cannot touch; the runtime mounts `pin`.
 * @returns the path to mount
 * @throws ContainerConfigInvalid when the path leads out of the volume
 */
export async function pinSubPath(tools: SubPathTools, root: string, sub: string, pin: string): Promise<string> {
  const { disk, commands } = tools
  const realRoot = await realPath(disk, root)
  const { mode } = await disk.stat(realRoot)
  const made = await makeInside(disk, realRoot, sub, mode & 0o777)
  const file = await disk.open(join(realRoot, sub), 'r')
  try {
    if (file.descriptor === undefined)
      throw new ContainerConfigInvalid('subPath needs a disk whose files have descriptors')
    const real = await disk.readlink(`/proc/self/fd/${file.descriptor}`)
    if (real !== realRoot && !real.startsWith(`${realRoot}/`))
      throw new ContainerConfigInvalid(`subPath "${sub}" leads out of its volume, to ${real}`)
    // By the descriptor: our umask took bits away, and the path may be a link by now.
    if (made) await disk.chmod(`/proc/self/fd/${file.descriptor}`, mode & 0o7777)
    await unmountBelow(tools, pin)
    await disk.remove(pin)
    if ((await disk.stat(real)).isDirectory()) await disk.makeFolder(pin)
    else {
      await disk.makeFolder(dirname(pin))
      await (await disk.open(pin, 'w')).close()
    }
    await commands.run('mount', ['--bind', `/proc/${process.pid}/fd/${file.descriptor}`, pin])
    return pin
  } finally {
    await file.close()
  }
}

/**
 * Makes the folders that are missing, one by one, refusing to walk out of the volume through a link.
 * They are as open as the volume itself: whoever may write there must be able to write here, as the fsGroup is.
 * @returns whether the last of them is new
 */
async function makeInside(disk: Disk, root: string, sub: string, mode: number): Promise<boolean> {
  let path = root
  let made = false
  for (const part of sub.split('/')) {
    if (part === '' || part === '.') continue
    const next = join(path, part)
    made = false
    try {
      await disk.lstat(next)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await disk.makeFolder(next, { mode })
      made = true
    }
    path = await realPath(disk, next)
    if (path !== root && !path.startsWith(`${root}/`))
      throw new ContainerConfigInvalid(`subPath "${sub}" leads out of its volume, to ${path}`)
  }
  return made
}

/** Follows every link. @throws the disk's error where something is missing */
async function realPath(disk: Disk, path: string): Promise<string> {
  let out = '/'
  const rest = path.split('/')
  for (let links = 0; rest.length; ) {
    const part = rest.shift()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      out = dirname(out)
      continue
    }
    const next = join(out, part)
    if (!(await disk.lstat(next)).isSymbolicLink()) {
      out = next
      continue
    }
    if (++links > 40) throw new ContainerConfigInvalid(`too many links in ${path}`)
    const target = await disk.readlink(next)
    if (target.startsWith('/')) out = '/'
    rest.unshift(...target.split('/'))
  }
  return out
}

/**
 * Unmounts everything at or below a folder, the deepest first.
 * @throws Error for what stays: its folder must not be removed then, or what is mounted there would be
 */
export async function unmountBelow({ disk, commands }: SubPathTools, folder: string): Promise<void> {
  const mounted = async () =>
    (await mountPoints(disk, folder)).map(({ path }) => path).sort((a, b) => b.length - a.length)
  const there = await mounted()
  if (!there.length) return
  let why = ''
  for (const path of there) {
    const { stderr } = await commands.run('umount', ['--lazy', path], { allowFailure: true })
    why ||= stderr.trim()
  }
  const [left] = await mounted()
  if (left) throw new Error(`${left} is still mounted${why ? `: ${why}` : ''}`)
}
