import { type AuthorizerChoice, type AuthorizerWish, readAuthorizationConfiguration } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { BadKubeconfig, readKubeconfig } from './kubeconfig.ts'

const flag = '--authorization-config'

/** Who is asked what somebody may do, as an AuthorizationConfiguration says. @throws BadSetting */
export async function readAuthorization(path: string, disk: Disk): Promise<AuthorizerChoice[]> {
  const wishes = await readConfigurationFile(flag, path, disk, readAuthorizationConfiguration)
  return Promise.all(wishes.map((wish, i) => withServer(wish, `${flag}: ${path}: authorizers[${i}].webhook`, disk)))
}

/**
 * The same for a cluster of our own, whose nodes and controllers are known by their roles.
 * @throws BadSetting also where those would not be asked
 */
export async function readClusterAuthorization(path: string, disk: Disk): Promise<AuthorizerChoice[]> {
  const choices = await readAuthorization(path, disk)
  for (const type of ['Node', 'RBAC'] as const)
    if (!choices.some(choice => choice.type === type))
      throw new BadSetting(`${flag}: ${path}: authorizers: ${type} is not among them`, {
        hint: `Nodes and controllers get their rights from Node and RBAC: add both.`,
      })
  return choices
}

/** @param at where the webhook stands, for errors. @throws BadSetting */
export async function withServer(wish: AuthorizerWish, at: string, disk: Disk): Promise<AuthorizerChoice> {
  if (wish.type !== 'Webhook') return wish
  const { kubeConfigFile, ...webhook } = wish.webhook
  try {
    return { type: 'Webhook', webhook: { ...webhook, server: await readKubeconfig(disk, kubeConfigFile) } }
  } catch (cause) {
    if (!(cause instanceof BadKubeconfig)) throw cause
    throw new BadSetting(`${at}.connectionInfo.kubeConfigFile: ${kubeConfigFile} cannot be used`, {
      cause,
      hint: 'Name a kubeconfig whose cluster is the webhook.',
    })
  }
}
