import { expect, onTestFinished, test } from 'vitest'
import { startTestServer } from '../../testing/test-server.ts'
import { readAdmissionConfiguration, readPluginConfiguration } from './admission-configuration.ts'

const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration' }
const podSecurity = { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration' }
const quota = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'ResourceQuotaConfiguration' }

test('plugins say their settings or where they are', () => {
  const plugins = [
    { name: 'PodSecurity', path: 'ps.yaml' },
    { name: 'ResourceQuota', configuration: quota },
  ]
  expect(readAdmissionConfiguration({ ...kind, plugins: [...plugins, { name: 'LimitRanger' }] })).toEqual(plugins)
  // The group of the first version was another one.
  expect(readAdmissionConfiguration({ ...kind, apiVersion: 'apiserver.k8s.io/v1alpha1', plugins })).toEqual(plugins)
})

test.each<[string, unknown, string]>([
  [
    'a plugin that cannot be set',
    [{ name: 'ImagePolicyWebhook', path: 'x' }],
    'plugins[0].name: Unsupported value: "ImagePolicyWebhook": supported values: "PodSecurity", "EventRateLimit", "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook", "ResourceQuota"',
  ],
  ['no name', [{ path: 'x' }], 'plugins[0].name: Required value'],
  ['a plugin twice', [{ name: 'PodSecurity' }, { name: 'PodSecurity' }], 'plugins[1].name: Duplicate value'],
  [
    'two settings of one plugin',
    [{ name: 'PodSecurity', path: 'x', configuration: {} }],
    'plugins[0].path: Invalid value: "x": configuration says it already',
  ],
])('%s is told', (_, plugins, message) => {
  expect(() => readAdmissionConfiguration({ ...kind, plugins })).toThrow(message)
})

test('PodSecurity has defaults and exemptions', () => {
  const defaults = { enforce: 'baseline', 'enforce-version': 'v1.25', warn: 'restricted' }
  const exemptions = { namespaces: ['kube-system'], usernames: ['ann'] }
  expect(readPluginConfiguration('PodSecurity', { ...podSecurity, defaults, exemptions })).toEqual({
    podSecurity: {
      defaults: {
        enforce: { level: 'baseline', version: 25 },
        audit: { level: 'privileged', version: 'latest' },
        warn: { level: 'restricted', version: 'latest' },
      },
      exempt: { namespaces: ['kube-system'], usernames: ['ann'], runtimeClasses: [] },
    },
  })
})

test.each<[object, string]>([
  [{ defaults: { enforce: 'strict' } }, 'defaults.enforce: Invalid value: "strict": must be one of'],
  [{ defaults: { 'warn-version': '1.2' } }, 'defaults.warn-version: Invalid value: "1.2": must be "latest" or "v1.x"'],
  [{ exemptions: { namespaces: ['A'] } }, 'exemptions.namespaces[0]: Invalid value: "A"'],
  [{ exemptions: { usernames: ['a', 'a'] } }, 'exemptions.usernames[1]: Duplicate value: "a"'],
  [{ foo: 1 }, 'foo: unknown field'],
])('wrong settings of PodSecurity are told: %j', (settings, message) => {
  expect(() => readPluginConfiguration('PodSecurity', { ...podSecurity, ...settings })).toThrow(message)
})

test('EventRateLimit has limits, webhooks a kubeconfig', () => {
  const events = { apiVersion: 'eventratelimit.admission.k8s.io/v1alpha1', kind: 'Configuration' }
  const limits = [
    { type: 'Server', qps: 5, burst: 10 },
    { type: 'User', qps: 1, burst: 2, cacheSize: 9 },
  ]
  expect(readPluginConfiguration('EventRateLimit', { ...events, limits })).toEqual({
    eventLimits: [{ ...limits[0], cacheSize: 4096 }, limits[1]],
  })
  const wrong = [{ type: 'Pod', qps: 0, burst: -1, cacheSize: -1 }]
  expect(() => readPluginConfiguration('EventRateLimit', { ...events, limits: wrong })).toThrow(
    'limits[0].type: Unsupported value: "Pod": supported values: "Server", "Namespace", "User", "SourceAndObject"; ' +
      'limits[0].burst: Invalid value: -1: must be positive; limits[0].qps: Invalid value: 0: must be positive; ' +
      'limits[0].cacheSize: Invalid value: -1: must not be negative',
  )
  expect(() => readPluginConfiguration('EventRateLimit', events)).toThrow(
    'limits: Invalid value: []eventratelimit.Limit(nil): must not be empty',
  )
  const webhooks = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration' }
  expect(readPluginConfiguration('MutatingAdmissionWebhook', { ...webhooks, kubeConfigFile: '/k' })).toEqual({
    webhookKubeconfigs: { mutating: '/k' },
  })
  expect(() => readPluginConfiguration('ValidatingAdmissionWebhook', { ...webhooks, kubeConfigFile: 'k' })).toThrow(
    'kubeConfigFile: Invalid value: "k": must be an absolute file path',
  )
})

const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } } }], ...spec },
})

test('what is limited may be used only where a quota covers it', async () => {
  const limited = (more: object) => readPluginConfiguration('ResourceQuota', { ...quota, limitedResources: [more] })
  const scopes = [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }]
  const both = [
    ...limited({ resource: 'pods', matchContains: ['requests.cpu', 'limits.cpu'] }).limitedResources!,
    ...limited({ resource: 'pods', matchScopes: scopes }).limitedResources!,
  ]
  const server = await startTestServer({ limitedResources: both, withoutAdmission: ['ServiceAccount'] })
  onTestFinished(() => server[Symbol.asyncDispose]())
  await server.call('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'high' }, value: 5 })
  const url = '/api/v1/namespaces/default'
  const create = async (body: object) => (await server.call('POST', `${url}/pods`, body)).body
  const refused = (name: string, why: string) => ({ code: 403, message: `pods "${name}" is forbidden: ${why}` })
  expect(await create(pod('a'))).toMatchObject(refused('a', 'insufficient quota to consume: limits.cpu,requests.cpu'))
  const keep = async (name: string, spec: any) => {
    const { body } = await server.call('POST', `${url}/resourcequotas`, { metadata: { name }, spec })
    const used = Object.fromEntries(Object.keys(spec.hard).map(key => [key, '0']))
    await server.call('PUT', `${url}/resourcequotas/${name}/status`, { ...body, status: { hard: spec.hard, used } })
  }
  await keep('cpu', { hard: { 'limits.cpu': '5', 'requests.cpu': '5' } })
  expect(await create(pod('a'))).toMatchObject({ kind: 'Pod' })
  expect(await create(pod('b', { priorityClassName: 'high' }))).toMatchObject(
    refused('b', 'insufficient quota to match these scopes: [{PriorityClass In [high]}]'),
  )
  await keep('high', { hard: { pods: '1' }, scopeSelector: { matchExpressions: scopes } })
  expect(await create(pod('b', { priorityClassName: 'high' }))).toMatchObject({ kind: 'Pod' })
})
