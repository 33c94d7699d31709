import { type AuthorizerChoice, type AuthorizerWish, plainAuthorizers } from '../../apiserver/index.ts'
import type { Disk } from '../../base/disk.ts'
import { parseGoDuration } from '../../models/go-duration.ts'
import { type AuthorizationFiles, readAuthorization, readChoice } from '../authorization.ts'
import { BadSetting } from '../bad-setting.ts'
import type { Flags } from './flags.ts'

/** As kube-apiserver asks a webhook that flags describe. */
const webhookTimeoutMs = 30_000

/**
 * Who is asked what somebody may do: `--authorization-config`, or `--authorization-mode` with the flags of its webhook.
 * Only those are asked that are named, and Node and RBAC where none is.
 * @throws BadSetting
 */
export async function authorizationOf(flags: Flags, disk: Disk): Promise<AuthorizerChoice[]> {
  const modes = flags.list('authorization-mode')
  const webhookFile = flags.one('authorization-webhook-config-file')
  const files: AuthorizationFiles = { disk, policyFile: flags.one('authorization-policy-file') }
  const config = flags.one('authorization-config')
  if (config !== undefined) {
    if (modes.length || webhookFile !== undefined)
      throw new BadSetting(
        '--authorization-config cannot stand beside --authorization-mode and the flags of its webhook',
      )
    return readAuthorization(config, files)
  }
  for (const [file, needs, name] of [
    [files.policyFile, 'ABAC', '--authorization-policy-file'],
    [webhookFile, 'Webhook', '--authorization-webhook-config-file'],
  ] as const)
    if (file !== undefined && !modes.includes(needs))
      throw new BadSetting(`cannot specify ${name} without mode ${needs}`)
  if (modes.some((mode, i) => modes.indexOf(mode) < i))
    throw new BadSetting(`--authorization-mode: ${modes.join(',')} names one of them twice`)
  const choices: AuthorizerChoice[] = []
  for (const mode of modes) choices.push(await choiceOf(mode, webhookFile, flags, files))
  return choices.length ? choices : [{ type: 'Node' }, { type: 'RBAC' }]
}

async function choiceOf(
  mode: string,
  webhookFile: string | undefined,
  flags: Flags,
  files: AuthorizationFiles,
): Promise<AuthorizerChoice> {
  if (mode === 'ABAC') return readChoice({ type: 'ABAC' }, '--authorization-mode', files)
  const type = plainAuthorizers.find(known => known === mode)
  if (type) return { type }
  if (mode !== 'Webhook')
    throw new BadSetting(`--authorization-mode: ${mode} is not one of ABAC, ${plainAuthorizers.join(', ')} and Webhook`)
  if (webhookFile === undefined)
    throw new BadSetting("authorization-mode Webhook's authorization config file not passed", {
      hint: 'Add --authorization-webhook-config-file.',
    })
  const wish: AuthorizerWish = {
    type: 'Webhook',
    webhook: {
      name: 'default',
      version: versionOf(flags.one('authorization-webhook-version') ?? 'v1beta1'),
      authorizedMs: ageOf(flags, 'authorization-webhook-cache-authorized-ttl', 300_000),
      unauthorizedMs: ageOf(flags, 'authorization-webhook-cache-unauthorized-ttl', 30_000),
      timeoutMs: webhookTimeoutMs,
      failurePolicy: 'NoOpinion',
      conditions: [],
      kubeConfigFile: webhookFile,
    },
  }
  return readChoice(wish, '--authorization-webhook-config-file', files)
}

function versionOf(text: string): 'v1' | 'v1beta1' {
  if (text === 'v1' || text === 'v1beta1') return text
  throw new BadSetting(`--authorization-webhook-version: ${text} is neither v1 nor v1beta1`)
}

function ageOf(flags: Flags, name: string, usual: number): number {
  const text = flags.one(name)
  const ms = text === undefined ? usual : parseGoDuration(text)
  if (ms === undefined) throw new BadSetting(`--${name}: ${text} is no duration such as 5m`)
  return ms
}
