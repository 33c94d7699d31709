import { parse } from 'yaml'
import {
  type AuditBackend,
  AuditLog,
  type AuditOptions,
  AuditWebhook,
  defaultAuditPolicy,
  readAuditPolicy,
} from '../apiserver/index.ts'
import { BadSetting } from './bad-setting.ts'
import { type Connection, readKubeconfig } from './kubeconfig.ts'
import type { OutsideWorld } from './outside.ts'
import { readSettingFile } from './setting-file.ts'
import type { Settings } from './settings.ts'

const dayMs = 24 * 3600_000
const mb = 1024 * 1024

/** What the settings say of recording requests; undefined: nothing is. @throws BadSetting, BadAuditPolicy, BadKubeconfig */
export async function readAudit(settings: Settings, outside: OutsideWorld): Promise<AuditOptions | undefined> {
  const { auditPolicyFile, auditLogPath, auditWebhookConfigFile: webhook } = settings
  if (auditLogPath === undefined && webhook === undefined) {
    if (auditPolicyFile === undefined) return undefined
    throw new BadSetting('--audit-policy-file says what is recorded, but not where', {
      hint: 'Add --audit-log-path or --audit-webhook-config-file.',
    })
  }
  const backends: AuditBackend[] = []
  if (auditLogPath !== undefined) backends.push(logOf(auditLogPath, settings, outside))
  if (webhook !== undefined) backends.push(webhookOf(await readKubeconfig(outside.disk, webhook), settings, outside))
  const policy = auditPolicyFile === undefined ? defaultAuditPolicy : await readPolicyFile(auditPolicyFile, outside)
  return { policy, backends }
}

async function readPolicyFile(path: string, { disk }: OutsideWorld) {
  const value = await readSettingFile({
    ...{ flag: '--audit-policy-file', path, disk, hint: 'Name a YAML file with a Policy of audit.k8s.io/v1.' },
    parse: text => parse(text, { version: '1.1', maxAliasCount: 10 }) as unknown,
  })
  return readAuditPolicy(value)
}

function logOf(path: string, settings: Settings, { disk, clock }: OutsideWorld): AuditBackend {
  if (path === '-') return standardOutput
  return new AuditLog({
    ...{ path, disk, clock },
    maxBytes: settings.auditLogMaxSizeMb * mb,
    maxAgeMs: settings.auditLogMaxAgeDays * dayMs,
    maxBackups: settings.auditLogMaxBackups,
  })
}

const standardOutput: AuditBackend = {
  name: 'log',
  write: line => void process.stdout.write(`${line}\n`),
  onLost() {},
  async [Symbol.asyncDispose]() {},
}

function webhookOf(server: Connection, settings: Settings, { net, clock }: OutsideWorld): AuditBackend {
  const { auditWebhookBatchMaxSize: maxBatch, auditWebhookBatchMaxWaitMs: maxWaitMs } = settings
  return new AuditWebhook({ server, net, clock, maxBatch, maxWaitMs })
}
