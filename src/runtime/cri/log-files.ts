import type { Disk } from '../../base/disk.ts'
import { planRotation } from './logs.ts'

/** Removes the log at a path and those that were rotated away from it, and its folder with the last of them. */
export async function removeLogs(disk: Disk, path: string): Promise<void> {
  const [folder, name] = splitPath(path)
  for (const { name: file } of await disk.list(folder).catch(() => []))
    if (file === name || file.startsWith(`${name}.`)) await disk.remove(`${folder}/${file}`)
  if (await isEmpty(disk, folder)) await disk.remove(folder)
}

/** Removes the folder of a pod's logs, if all that is left in it are the empty folders of containers that were refused. */
export async function removeIfEmpty(disk: Disk, folder: string): Promise<void> {
  for (const { name } of await disk.list(folder).catch(() => []))
    if (await isEmpty(disk, `${folder}/${name}`)) await disk.remove(`${folder}/${name}`)
  if (await isEmpty(disk, folder)) await disk.remove(folder)
}

/** Gives the log another name, `.1`, and each older one the next; the oldest go. @param maxFiles in all */
export async function rotateFiles(disk: Disk, path: string, maxFiles: number): Promise<void> {
  const [folder, name] = splitPath(path)
  const names = (await disk.list(folder)).map(entry => entry.name)
  const plan = planRotation(names, name, maxFiles)
  for (const file of plan.remove) await disk.remove(`${folder}/${file}`)
  for (const [from, to] of plan.rename) await disk.rename(`${folder}/${from}`, `${folder}/${to}`)
}

/** What is not there is not empty. */
async function isEmpty(disk: Disk, folder: string): Promise<boolean> {
  return !(await disk.list(folder).catch(() => [1])).length
}

function splitPath(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf('/')
  return [path.slice(0, at), path.slice(at + 1)]
}
