import { parse } from 'yaml'
import { BadConfiguration } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'

/**
 * A file of an administrator's, as `read` understands it.
 * @param flag how the file was named, such as `--authorization-config`
 * @throws BadSetting naming flag, file and every field that is wrong
 */
export async function readConfigurationFile<T>(
  flag: string,
  path: string,
  disk: Disk,
  read: (value: unknown) => T,
): Promise<T> {
  let value: unknown
  try {
    value = parse(await disk.readText(path), { version: '1.1', maxAliasCount: 10 })
  } catch (cause) {
    throw new BadSetting(`${flag}: cannot read ${path}`, { cause, hint: 'Name a file of YAML or JSON.' })
  }
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    throw new BadSetting(`${flag}: ${path} cannot be used: ${error.message}`, { hint: 'Mend these fields.' })
  }
}
