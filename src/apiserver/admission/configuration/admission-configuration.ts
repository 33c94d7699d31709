import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, GoText, invalid, notSupported, required } from '../../../models/field-error.ts'
import { ConfigFile, type Fields } from '../../configuration/config-file.ts'
import { type EventLimit, eventLimitTypes } from '../event-rate-limit.ts'
import type { PodSecurityOptions } from '../pod-security/pod-security.ts'
import { levelOf, modes, type Policy, versionOf } from '../pod-security/policy.ts'
import type { LimitedResource } from '../resource-quota.ts'

export interface AdmissionChoices {
  podSecurity?: PodSecurityOptions
  /** What may be used only where a quota covers it. */
  limitedResources?: LimitedResource[]
  eventLimits?: EventLimit[]
  /** Absolute paths of kubeconfigs whose users are what we show to webhooks. */
  webhookKubeconfigs?: { mutating?: string; validating?: string }
}

/** The settings of one plugin, or where they are. */
export interface PluginEntry {
  name: string
  /** Relative to the file that names it. */
  path?: string
  configuration?: unknown
}

const versions = ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1'].map(v => `${v} AdmissionConfiguration`)
const podSecurityVersions = ['v1', 'v1beta1', 'v1alpha1'].map(
  v => `pod-security.admission.config.k8s.io/${v} PodSecurityConfiguration`,
)
const quotaVersions = [
  'apiserver.config.k8s.io/v1 ResourceQuotaConfiguration',
  'resourcequota.admission.k8s.io/v1beta1 Configuration',
  'resourcequota.admission.k8s.io/v1alpha1 Configuration',
]
const eventVersions = ['eventratelimit.admission.k8s.io/v1alpha1 Configuration']
const webhookVersions = [
  'apiserver.config.k8s.io/v1 WebhookAdmissionConfiguration',
  'apiserver.config.k8s.io/v1alpha1 WebhookAdmission',
]
const usualEventKeys = 4096

const readers: Record<string, (file: ConfigFile, value: unknown) => AdmissionChoices> = {
  PodSecurity: (file, value) => ({ podSecurity: readPodSecurity(file, value) }),
  EventRateLimit: (file, value) => ({ eventLimits: readEventLimits(file, value) }),
  MutatingAdmissionWebhook: (file, value) => ({ webhookKubeconfigs: { mutating: readKubeconfigPath(file, value) } }),
  ValidatingAdmissionWebhook: (file, value) => ({
    webhookKubeconfigs: { validating: readKubeconfigPath(file, value) },
  }),
  ResourceQuota: (file, value) => ({ limitedResources: readQuota(file, value) }),
}

/**
 * The plugins of an AdmissionConfiguration, as `--admission-control-config-file` of kube-apiserver names it.
 * @param value the parsed file
 * @throws BadConfiguration, also for plugins that cannot be set here
 */
export function readAdmissionConfiguration(value: unknown): PluginEntry[] {
  const file = new ConfigFile()
  const fields = file.object('', value, ['apiVersion', 'kind', 'plugins'])
  file.kind(fields, versions)
  const seen = new Set<string>()
  const entries = file.list('plugins', fields['plugins']).map((entry, i): PluginEntry => {
    const at = `plugins[${i}]`
    const said = file.object(at, entry, ['name', 'path', 'configuration'])
    const name = file.text(`${at}.name`, said['name'])
    const path = file.text(`${at}.path`, said['path'])
    const { configuration } = said
    if (name === '') file.add(required(`${at}.name`))
    else if (seen.has(name)) file.add(duplicate(`${at}.name`, name))
    else if (!readers[name] && (path !== '' || configuration !== undefined))
      file.add(notSupported(`${at}.name`, name, Object.keys(readers)))
    if (path !== '' && configuration !== undefined)
      file.add(invalid(`${at}.path`, path, 'configuration says it already; leave one of them out'))
    seen.add(name)
    return { name, ...(path ? { path } : {}), ...(configuration === undefined ? {} : { configuration }) }
  })
  file.done()
  return entries.filter(entry => entry.path !== undefined || entry.configuration !== undefined)
}

/** @param name one of those that `readAdmissionConfiguration` lets through. @throws BadConfiguration */
export function readPluginConfiguration(name: string, value: unknown): AdmissionChoices {
  const file = new ConfigFile()
  const choices = readers[name]!(file, value)
  file.done()
  return choices
}

function readPodSecurity(file: ConfigFile, value: unknown): PodSecurityOptions {
  const fields = file.object('', value, ['apiVersion', 'kind', 'defaults', 'exemptions'])
  file.kind(fields, podSecurityVersions)
  const defaults = file.object(
    'defaults',
    fields['defaults'],
    modes.flatMap(mode => [mode, `${mode}-version`]),
  )
  const exemptions = file.object('exemptions', fields['exemptions'], ['usernames', 'namespaces', 'runtimeClasses'])
  const names = (field: string, check: (name: string) => string[]) => readNames(file, exemptions, field, check)
  return {
    defaults: Object.fromEntries(modes.map(mode => [mode, readLevel(file, defaults, mode)])) as Policy,
    exempt: {
      usernames: names('usernames', name => (name === '' ? ['username must not be empty'] : [])),
      namespaces: names('namespaces', isDns1123Label),
      runtimeClasses: names('runtimeClasses', isDns1123Subdomain),
    },
  }
}

function readLevel(file: ConfigFile, defaults: Fields, mode: string): Policy['enforce'] {
  const level = file.text(`defaults.${mode}`, defaults[mode]) || 'privileged'
  const version = file.text(`defaults.${mode}-version`, defaults[`${mode}-version`]) || 'latest'
  const found = { level: levelOf(level), version: versionOf(version) }
  if (!found.level) file.add(invalid(`defaults.${mode}`, level, 'must be one of privileged, baseline, restricted'))
  if (found.version === undefined) file.add(invalid(`defaults.${mode}-version`, version, 'must be "latest" or "v1.x"'))
  return { level: found.level ?? 'restricted', version: found.version ?? 'latest' }
}

function readNames(file: ConfigFile, fields: Fields, field: string, check: (name: string) => string[]): string[] {
  const names = file.texts(`exemptions.${field}`, fields[field])
  for (const [i, name] of names.entries()) {
    const at = `exemptions.${field}[${i}]`
    const problems = check(name)
    if (problems.length) file.add(invalid(at, name, problems.join(', ')))
    else if (names.indexOf(name) < i) file.add(duplicate(at, name))
  }
  return names
}

function readEventLimits(file: ConfigFile, value: unknown): EventLimit[] {
  const fields = file.object('', value, ['apiVersion', 'kind', 'limits'])
  file.kind(fields, eventVersions)
  const limits = file.list('limits', fields['limits'])
  if (limits.length === 0) file.add(invalid('limits', new GoText('[]eventratelimit.Limit(nil)'), 'must not be empty'))
  return limits.map((entry, i): EventLimit => {
    const at = `limits[${i}]`
    const said = file.object(at, entry, ['type', 'qps', 'burst', 'cacheSize'])
    const type = file.text(`${at}.type`, said['type'])
    const known = eventLimitTypes.find(one => one === type)
    if (!known) file.add(notSupported(`${at}.type`, type, eventLimitTypes))
    const burst = file.wholeNumber(`${at}.burst`, said['burst'])
    const qps = file.wholeNumber(`${at}.qps`, said['qps'])
    const cacheSize = file.wholeNumber(`${at}.cacheSize`, said['cacheSize'])
    if (burst <= 0) file.add(invalid(`${at}.burst`, burst, 'must be positive'))
    if (qps <= 0) file.add(invalid(`${at}.qps`, qps, 'must be positive'))
    if (cacheSize < 0 && type !== 'Server') file.add(invalid(`${at}.cacheSize`, cacheSize, 'must not be negative'))
    return { type: known ?? 'Server', qps, burst, cacheSize: cacheSize > 0 ? cacheSize : usualEventKeys }
  })
}

function readKubeconfigPath(file: ConfigFile, value: unknown): string {
  const fields = file.object('', value, ['apiVersion', 'kind', 'kubeConfigFile'])
  file.kind(fields, webhookVersions)
  const path = file.text('kubeConfigFile', fields['kubeConfigFile'])
  if (!path.startsWith('/')) file.add(invalid('kubeConfigFile', path, 'must be an absolute file path'))
  return path
}

function readQuota(file: ConfigFile, value: unknown): LimitedResource[] {
  const fields = file.object('', value, ['apiVersion', 'kind', 'limitedResources'])
  file.kind(fields, quotaVersions)
  return file.list('limitedResources', fields['limitedResources']).map((entry, i) => {
    const at = `limitedResources[${i}]`
    const said = file.object(at, entry, ['apiGroup', 'resource', 'matchContains', 'matchScopes'])
    const resource = file.text(`${at}.resource`, said['resource'])
    if (resource === '') file.add(required(`${at}.resource`))
    return {
      group: file.text(`${at}.apiGroup`, said['apiGroup']),
      resource,
      contains: file.texts(`${at}.matchContains`, said['matchContains']),
      scopes: file.list(`${at}.matchScopes`, said['matchScopes']).map((scope, j) => {
        const place = `${at}.matchScopes[${j}]`
        const { scopeName, operator, values } = file.object(place, scope, ['scopeName', 'operator', 'values'])
        return {
          scopeName: file.text(`${place}.scopeName`, scopeName),
          operator: file.text(`${place}.operator`, operator),
          values: file.texts(`${place}.values`, values),
        }
      }),
    }
  })
}
