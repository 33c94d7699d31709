import {
  type AbacPolicy,
  type AuthorizerChoice,
  type AuthorizerWish,
  BadConfiguration,
  readAbacPolicies,
  readAuthorizationConfiguration,
} from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readConfigurationFile } from './configuration-file.ts'
import { BadKubeconfig, readKubeconfig } from './kubeconfig.ts'
import { readSettingFile } from './setting-file.ts'

const flag = '--authorization-config'

/** Where what authorizers need is, besides the file that names them. */
export interface AuthorizationFiles {
  disk: Disk
  /** Policies of ABAC. */
  policyFile?: string | undefined
}

/** Who is asked what somebody may do, as an AuthorizationConfiguration says. @throws BadSetting */
export async function readAuthorization(path: string, files: AuthorizationFiles): Promise<AuthorizerChoice[]> {
  const wishes = await readConfigurationFile(flag, path, files.disk, readAuthorizationConfiguration)
  return Promise.all(wishes.map((wish, i) => readChoice(wish, `${flag}: ${path}: authorizers[${i}].webhook`, files)))
}

/**
 * The same for a cluster of our own, whose nodes and controllers are known by their roles.
 * @throws BadSetting also where those would not be asked
 */
export async function readClusterAuthorization(path: string, files: AuthorizationFiles): Promise<AuthorizerChoice[]> {
  const choices = await readAuthorization(path, files)
  for (const type of ['Node', 'RBAC'] as const)
    if (!choices.some(choice => choice.type === type))
      throw new BadSetting(`${flag}: ${path}: authorizers: ${type} is not among them`, {
        hint: `Nodes and controllers get their rights from Node and RBAC: add both.`,
      })
  return choices
}

/** @param at where the webhook stands, for errors. @throws BadSetting */
export async function readChoice(
  wish: AuthorizerWish,
  at: string,
  { disk, policyFile }: AuthorizationFiles,
): Promise<AuthorizerChoice> {
  if (wish.type === 'ABAC') return { ...wish, type: 'ABAC', policies: await readPolicies(policyFile, disk) }
  if (wish.type !== 'Webhook') return { ...wish, type: wish.type }
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

async function readPolicies(path: string | undefined, disk: Disk): Promise<AbacPolicy[]> {
  const policyFlag = '--authorization-policy-file'
  if (path === undefined)
    throw new BadSetting("authorization-mode ABAC's authorization policy file not passed", {
      hint: `Add ${policyFlag}.`,
    })
  const text = await readSettingFile({
    ...{ flag: policyFlag, path, disk, hint: 'Name a file with a policy on each line.' },
    parse: all => all,
  })
  try {
    return readAbacPolicies(text)
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    throw new BadSetting(`${policyFlag}: ${path} cannot be used: ${error.message}`, { hint: 'Mend these lines.' })
  }
}
