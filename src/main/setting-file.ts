import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'

/** How the file of a setting is read. */
export interface SettingFile<T> {
  /** `--audit-policy-file` */
  flag: string
  path: string
  disk: Disk
  /** What the file should be, told when it cannot be read or parsed. */
  hint: string
  /** Whatever it throws is a file that cannot be read. */
  parse: (text: string) => T
}

/** What a file says that a flag names. @throws BadSetting naming flag and file */
export async function readSettingFile<T>({ flag, path, disk, hint, parse }: SettingFile<T>): Promise<T> {
  try {
    return parse(await disk.readText(path))
  } catch (cause) {
    throw new BadSetting(`${flag}: cannot read ${path}`, { cause, hint })
  }
}
