import { dirname, join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { BadKubeconfig, type Connection, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig.ts'

type Environment = Record<string, string | undefined>

/**
 * The kubeconfig of whoever called sudo: the commands that follow without it look there, and sudo gives root's home to ours.
 * @returns none without sudo, when root called it, or when $KUBECONFIG says where
 */
export async function callersKubeconfig(disk: Disk, env: Environment): Promise<string | undefined> {
  const uid = env['SUDO_UID']
  if (!uid || uid === '0' || env['KUBECONFIG']) return undefined
  const users = (await disk.readText('/etc/passwd').catch(() => '')).split('\n').map(line => line.split(':'))
  const home = users.find(([, , id]) => id === uid)?.[5]
  return home && (await disk.exists(home)) ? join(home, '.kube/config') : undefined
}

/** Writes our context into a file below somebody's home, and leaves it theirs. @throws BadKubeconfig */
export async function handToCaller(disk: Disk, path: string, name: string, connection: Connection): Promise<void> {
  await asOwner(disk, path, () => mergeKubeconfig(disk, path, name, connection))
}

/** Takes our context out of it again. @throws BadKubeconfig */
export async function takeFromCaller(disk: Disk, path: string, name: string): Promise<void> {
  await asOwner(disk, path, () => removeFromKubeconfig(disk, path, name))
}

/**
 * What root writes would be root's: file and folder go to the owner of the home. One that is somebody else's is left alone: it may be
 * a link to what that user may not write.
 */
async function asOwner(disk: Disk, path: string, write: () => Promise<unknown>): Promise<void> {
  const folder = dirname(path)
  const { uid, gid } = await disk.stat(dirname(folder))
  if (!(await disk.exists(folder))) {
    await disk.makeFolder(folder, { mode: 0o700 })
    await disk.chown(folder, uid, gid)
  }
  for (const place of [folder, path])
    if ((await disk.exists(place)) && (await disk.stat(place)).uid !== uid)
      throw new BadKubeconfig(`${place} does not belong to who called sudo`, {
        hint: `chown -R ${uid}:${gid} ${folder}`,
      })
  await write()
  if (await disk.exists(path)) await disk.chown(path, uid, gid)
}
