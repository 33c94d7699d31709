import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/test-server.ts'
import type { PodLike } from './check.ts'
import { violationDetails, violations } from './evaluate.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const label = (mode: string) => `pod-security.kubernetes.io/${mode}`
const namespace = (name: string, labels: Record<string, string>) =>
  server.call('POST', '/api/v1/namespaces', { metadata: { name, labels } })
const tight = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}
const pod = (name: string, securityContext: object = {}, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'x', image: 'i', securityContext }], ...spec },
})

test('a restricted namespace refuses a pod that does not give up what it does not need, and says all of it', async () => {
  await namespace('strict', { [label('enforce')]: 'restricted' })
  const refused = await server.call('POST', '/api/v1/namespaces/strict/pods', pod('p'))
  expect([refused.status, refused.body.message]).toEqual([
    403,
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "x" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "x" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "x" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "x" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ])
  expect((await server.call('POST', '/api/v1/namespaces/strict/pods', pod('p', tight))).status).toBe(201)
})

test('what a namespace enforces is one thing, what it warns of another', async () => {
  await namespace('warns', { [label('enforce')]: 'baseline', [label('warn')]: 'restricted' })
  const made = await server.call('POST', '/api/v1/namespaces/warns/pods', pod('p'))
  expect(made.status).toBe(201)
  expect(made.headers['warning']![0]).toContain('would violate PodSecurity')
  await namespace('enforces', { [label('enforce')]: 'restricted', [label('warn')]: 'privileged' })
  expect((await server.call('POST', '/api/v1/namespaces/enforces/pods', pod('p'))).status).toBe(403)
})

test('templates of workloads are warned of, not refused; ephemeral containers are refused', async () => {
  await namespace('strict', { [label('enforce')]: 'baseline', [label('enforce-version')]: 'v1.25' })
  const template = { metadata: { labels: { a: 'b' } }, spec: pod('', { privileged: true }).spec }
  const made = await server.call('POST', '/apis/apps/v1/namespaces/strict/deployments', {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  })
  expect([made.status, made.headers['warning']]).toEqual([
    201,
    [
      '299 - "would violate PodSecurity \\"baseline:v1.25\\": privileged (container \\"x\\" must not set securityContext.privileged=true)"',
    ],
  ])
  await server.call('POST', '/api/v1/namespaces/strict/pods', pod('p'))
  const debug = { name: 'debug', image: 'i', securityContext: { privileged: true } }
  const added = await server.call(
    'PATCH',
    '/api/v1/namespaces/strict/pods/p/ephemeralcontainers',
    { spec: { ephemeralContainers: [debug] } },
    { 'content-type': 'application/strategic-merge-patch+json' },
  )
  expect(added.body.message).toMatch(
    /violates PodSecurity "baseline:v1.25": privileged \(container "debug" must not set/,
  )
})

test('a namespace that becomes stricter warns of the pods that could not be made again', async () => {
  await namespace('open', {})
  for (const name of ['b', 'a'])
    await server.call('POST', '/api/v1/namespaces/open/pods', pod(name, { privileged: true }))
  await server.call('POST', '/api/v1/namespaces/open/pods', pod('c', {}, { hostPID: true }))
  const merge = { 'content-type': 'application/merge-patch+json' }
  const change = (labels: object) => server.call('PATCH', '/api/v1/namespaces/open', { metadata: { labels } }, merge)
  expect((await change({ [label('enforce')]: 'baseline' })).headers['warning']).toEqual([
    '299 - "existing pods in namespace \\"open\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
    '299 - "a (and 1 other pod): privileged"',
    '299 - "c: host namespaces"',
  ])
  expect((await change({ [label('enforce')]: 'strict' })).body.message).toBe(
    'Namespace "open" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
  )
  expect((await change({ [label('enforce')]: 'privileged' })).headers['warning']).toBeUndefined()
})

const like = (spec: object, annotations = {}) =>
  ({ metadata: { annotations }, spec: { containers: [], ...spec } }) as unknown as PodLike
const one = (securityContext: object, container: object = {}) => ({
  containers: [{ name: 'x', securityContext, ...container }],
})
const baseline = (pod: PodLike, version: 'latest' | number = 'latest') =>
  violationDetails(violations({ level: 'baseline', version }, pod))

test.each([
  [{ hostNetwork: true, hostIPC: true }, 'host namespaces (hostNetwork=true, hostIPC=true)'],
  [{ volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
  [one({}, { ports: [{ hostPort: 80 }, { hostPort: 443 }] }), 'hostPort (container "x" uses hostPorts 443, 80)'],
  [one({ procMount: 'Unmasked' }), 'procMount (container "x" must not set securityContext.procMount to "Unmasked")'],
  [
    one({ capabilities: { add: ['NET_ADMIN', 'CHOWN'] } }),
    'non-default capabilities (container "x" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    one({ seLinuxOptions: { type: 'spc_t', user: 'u' } }),
    'seLinuxOptions (container "x" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  [
    { securityContext: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [{ securityContext: { sysctls: [{ name: 'kernel.msgmax' }] } }, 'forbidden sysctls (kernel.msgmax)'],
  [
    { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  ],
  [
    one({ windowsOptions: { hostProcess: true } }),
    'hostProcess (container "x" must not set securityContext.windowsOptions.hostProcess=true)',
  ],
])('baseline does not allow %j', (spec, text) => {
  expect(baseline(like(spec))).toBe(text)
})

test('rules are those of the version that the namespace names', () => {
  const keepalive = like({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout' }] } })
  expect([baseline(keepalive, 28), baseline(keepalive, 29), baseline(keepalive)]).toEqual([
    'forbidden sysctls (net.ipv4.tcp_fin_timeout)',
    '',
    '',
  ])
  const windows = like({ ...one({ runAsNonRoot: true }), os: { name: 'windows' } })
  const restricted = (version: number) => violations({ level: 'restricted', version }, windows).map(v => v.reason)
  expect(restricted(24)).toEqual(['allowPrivilegeEscalation != false', 'unrestricted capabilities', 'seccompProfile'])
  expect(restricted(25)).toEqual([])
  expect(restricted(7)).toEqual([])
})

test('what pods are found to be is counted under Kubernetes’ names', async () => {
  const allowed = { [label('enforce')]: 'baseline', [label('enforce-version')]: 'v1.25', [label('warn')]: 'restricted' }
  await namespace('counted', allowed)
  await namespace('open', {})
  const url = (name: string) => `/api/v1/namespaces/${name}/pods`
  await server.call('POST', url('counted'), pod('p'))
  await server.call('POST', url('counted'), pod('q', { privileged: true }))
  await server.call('POST', url('open'), pod('p', { privileged: true }))
  const text = String((await server.call('GET', '/metrics')).body)
  const found = text.split('\n').filter(line => line.startsWith('pod_security_evaluations_total{'))
  const line = (decision: string, level: string, version: string, mode: string) =>
    `pod_security_evaluations_total{decision="${decision}",policy_level="${level}",policy_version="${version}",mode="${mode}",request_operation="create",resource="pod",subresource=""} 1`
  expect(found.sort()).toEqual([
    line('allow', 'baseline', 'v1.25', 'enforce'),
    line('allow', 'privileged', 'latest', 'enforce'),
    line('deny', 'baseline', 'v1.25', 'enforce'),
    line('deny', 'restricted', 'latest', 'warn'),
  ])
})
