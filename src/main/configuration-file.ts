import { parse } from 'yaml'
import { BadConfiguration } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readSettingFile } from './setting-file.ts'

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
  const value = await readSettingFile({
    ...{ flag, path, disk, hint: 'Name a file of YAML or JSON.' },
    parse: text => parse(text, { version: '1.1', maxAliasCount: 10 }) as unknown,
  })
  try {
    return read(value)
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    throw new BadSetting(`${flag}: ${path} cannot be used: ${error.message}`, { hint: 'Mend these fields.' })
  }
}
