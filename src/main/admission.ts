import { dirname, resolve } from 'node:path'
import { type AdmissionChoices, readAdmissionConfiguration, readPluginConfiguration } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { readConfigurationFile } from './configuration-file.ts'

const flag = '--admission-control-config-file'

/** Settings of admission plugins, as an AdmissionConfiguration says, or the files that it names. @throws BadSetting */
export async function readAdmission(path: string, disk: Disk): Promise<AdmissionChoices> {
  const entries = await readConfigurationFile(flag, path, disk, readAdmissionConfiguration)
  const choices: AdmissionChoices = {}
  for (const { name, path: own, configuration } of entries) {
    const read = (value: unknown) => readPluginConfiguration(name, configuration ?? value)
    const file = own === undefined ? path : resolve(dirname(path), own)
    Object.assign(choices, await readConfigurationFile(`${flag}: plugin ${name}`, file, disk, read))
  }
  return choices
}
