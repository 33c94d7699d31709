import { dirname, resolve } from 'node:path'
import {
  type AdmissionChoices,
  type ApiServerOptions,
  readAdmissionConfiguration,
  readPluginConfiguration,
} from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { BadKubeconfig, readKubeconfigUsers } from './kubeconfig.ts'

const flag = '--admission-control-config-file'

type AdmissionOptions = Omit<AdmissionChoices, 'webhookKubeconfigs'> & Pick<ApiServerOptions, 'webhookCredentials'>
type WebhookCredentials = NonNullable<AdmissionOptions['webhookCredentials']>

/** Settings of admission plugins, as an AdmissionConfiguration says, or the files that it names. @throws BadSetting */
export async function readAdmission(path: string, disk: Disk): Promise<AdmissionOptions> {
  const entries = await readConfigurationFile(flag, path, disk, readAdmissionConfiguration)
  const options: AdmissionOptions = {}
  const webhookCredentials: WebhookCredentials = {}
  for (const { name, path: own, configuration } of entries) {
    const read = (value: unknown) => readPluginConfiguration(name, configuration ?? value)
    const file = own === undefined ? path : resolve(dirname(path), own)
    const { webhookKubeconfigs = {}, ...choices } = await readConfigurationFile(
      `${flag}: plugin ${name}`,
      file,
      disk,
      read,
    )
    Object.assign(options, choices)
    for (const kind of ['mutating', 'validating'] as const) {
      const kubeconfig = webhookKubeconfigs[kind]
      if (kubeconfig !== undefined) webhookCredentials[kind] = await readUsers(kubeconfig, name, disk)
    }
  }
  return Object.keys(webhookCredentials).length ? { ...options, webhookCredentials } : options
}

async function readUsers(path: string, plugin: string, disk: Disk): ReturnType<typeof readKubeconfigUsers> {
  try {
    return await readKubeconfigUsers(disk, path)
  } catch (cause) {
    if (!(cause instanceof BadKubeconfig)) throw cause
    throw new BadSetting(`${flag}: plugin ${plugin}: kubeConfigFile: ${path} cannot be used`, {
      cause,
      hint: 'Name a kubeconfig whose users are named like the servers of webhooks.',
    })
  }
}
