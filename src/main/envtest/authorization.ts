import { type AuthorizerChoice, type AuthorizerWish, plainAuthorizers } from '../../apiserver/index.ts'
import type { Disk } from '../../base/disk.ts'
import { parseGoDuration } from '../../models/go-duration.ts'
import { readAuthorization, withServer } from '../authorization.ts'
import { BadSetting } from '../bad-setting.ts'
import type { Flags } from './flags.ts'

/** As kube-apiserver asks a webhook that flags describe. */
const webhookTimeoutMs = 30_000

/**
 * Who is asked what somebody may do: `--authorization-config`, or `--authorization-mode` with the flags of its webhook.
 * Node and RBAC are asked always, after those that are named, so that parts of a cluster keep their rights in tests.
 * @throws BadSetting
 */
export async function authorizationOf(flags: Flags, disk: Disk): Promise<AuthorizerChoice[]> {
  const modes = flags.list('authorization-mode')
  const webhookFile = flags.one('authorization-webhook-config-file')
  const config = flags.one('authorization-config')
  if (config !== undefined) {
    if (modes.length || webhookFile !== undefined)
      throw new BadSetting(
        '--authorization-config cannot stand beside --authorization-mode and the flags of its webhook',
      )
    return readAuthorization(config, disk)
  }
  const choices: AuthorizerChoice[] = []
  for (const mode of modes) choices.push(await choiceOf(mode, webhookFile, flags, disk))
  const missing = (['Node', 'RBAC'] as const).filter(type => !modes.includes(type)).map(type => ({ type }))
  return [...choices, ...missing]
}

async function choiceOf(
  mode: string,
  webhookFile: string | undefined,
  flags: Flags,
  disk: Disk,
): Promise<AuthorizerChoice> {
  const type = plainAuthorizers.find(known => known === mode)
  if (type) return { type }
  if (mode !== 'Webhook')
    throw new BadSetting(`--authorization-mode: ${mode} is not one of ${plainAuthorizers.join(', ')} and Webhook`)
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
  return withServer(wish, '--authorization-webhook-config-file', disk)
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
