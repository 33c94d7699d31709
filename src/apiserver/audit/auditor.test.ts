import { afterEach, expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { UserInfo } from '../../models/rest.ts'
import { admin, startTestServer, type TestServer } from '../testing/test-server.ts'
import type { AuditEvent } from './audit-event.ts'
import type { AuditBackend } from './auditor.ts'
import type { AuditRule } from './policy.ts'

let server: TestServer
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } })

/** A server that records by these rules what others than itself ask. */
async function recording(rules: AuditRule[], options: object = {}): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const backend: AuditBackend = {
    name: 'memory',
    write: line => events.push(JSON.parse(line)),
    onLost() {},
    async [Symbol.asyncDispose]() {},
  }
  const policy = { rules, omitStages: ['RequestReceived' as const] }
  server = await startTestServer({ clock: new VirtualClock(), audit: { policy, backends: [backend] }, ...options })
  return events
}

const short = ({ stage, verb, responseStatus, objectRef }: AuditEvent) =>
  `${stage} ${verb} ${objectRef?.resource ?? ''} ${objectRef?.name ?? ''} ${responseStatus?.code}`

test('an event tells who asked for what, from where, why it was allowed and what came of it', async () => {
  const events = await recording([{ level: 'Metadata' }])
  const reply = await server.api.handler({
    ...{ method: 'POST', url: `${pods}?fieldManager=x`, signal: new AbortController().signal, user: admin },
    headers: {
      'content-type': 'application/json',
      'audit-id': 'mine',
      'user-agent': 'kubectl/v1',
      'x-forwarded-for': '10.0.0.1',
    },
    ...{ remoteAddress: '10.0.0.2', body: Buffer.from(JSON.stringify(pod('a'))) },
  })
  expect(reply.headers['audit-id']).toBe('mine')
  expect(events).toEqual([
    {
      ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: 'mine' },
      ...{ stage: 'ResponseComplete', requestURI: `${pods}?fieldManager=x`, verb: 'create', user: admin },
      ...{ sourceIPs: ['10.0.0.1', '10.0.0.2'], userAgent: 'kubectl/v1' },
      objectRef: { resource: 'pods', namespace: 'default', name: 'a', uid: expect.any(String), apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      stageTimestamp: expect.any(String),
      annotations: {
        'authorization.k8s.io/decision': 'allow',
        'authorization.k8s.io/reason': '',
        'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
      },
    },
  ])
})

test('bodies are recorded as far as the level says, without managed fields if that is said', async () => {
  const events = await recording([
    { level: 'Request', verbs: ['create'] },
    { level: 'RequestResponse', omitManagedFields: true },
  ])
  await server.call('POST', pods, pod('a'))
  await server.call('GET', pods)
  expect(events[0]!.requestObject).toEqual(pod('a'))
  expect(events[0]!.responseObject).toBe(undefined)
  const list: any = events[1]!.responseObject
  expect(list).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'a' } }] })
  expect(list.items[0].metadata.managedFields).toBe(undefined)
})

test('a secret is in no event of our own policy', async () => {
  const { defaultAuditPolicy } = await import('./default-policy.ts')
  const lines: string[] = []
  const backend = { name: 'm', write: (l: string) => void lines.push(l), onLost() {}, async [Symbol.asyncDispose]() {} }
  server = await startTestServer({ audit: { policy: defaultAuditPolicy, backends: [backend] } })
  const secrets = '/api/v1/namespaces/default/secrets'
  await server.call('POST', secrets, { metadata: { name: 's' }, stringData: { key: 'hunter2' } })
  await server.call(
    'PATCH',
    `${secrets}/s`,
    { stringData: { key: 'hunter2' } },
    { 'content-type': 'application/merge-patch+json' },
  )
  await server.call('GET', `${secrets}/s`)
  await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 'hunter2' } })
  expect(lines).toHaveLength(4)
  expect(lines.join()).not.toContain('hunter2')
  expect(lines.join()).not.toContain(Buffer.from('hunter2').toString('base64'))
})

test('refusals tell why, and who is not known at all is recorded too', async () => {
  const events = await recording([{ level: 'Metadata' }])
  await server.call('GET', `${pods}/none`)
  const ask = (headers: Record<string, string>, user?: UserInfo) =>
    server.api.handler({
      ...{ method: 'GET', url: pods, headers, signal: new AbortController().signal, ...(user ? { user } : {}) },
    })
  await ask({ authorization: 'Bearer nobody' })
  await ask({}, { username: 'eve', groups: [] })
  await ask({ 'impersonate-user': 'eve' }, admin)
  expect(events.map(short)).toEqual([
    'ResponseComplete get pods none 404',
    'ResponseStarted list pods  401',
    'ResponseComplete list pods  403',
    'ResponseComplete list pods  403',
  ])
  expect(events[0]!.responseStatus).toMatchObject({ status: 'Failure', reason: 'NotFound', details: { name: 'none' } })
  expect(events[1]!.user).toEqual({})
  expect(events[2]!.annotations).toEqual({
    'authorization.k8s.io/decision': 'forbid',
    'authorization.k8s.io/reason': '',
  })
  expect([events[3]!.user.username, events[3]!.impersonatedUser?.username]).toEqual(['admin', 'eve'])
})

test('what streams has an event when it begins and one when it ends', async () => {
  const events = await recording([{ level: 'Metadata', resources: [{ resources: ['pods'] }] }])
  const watch = await server.watch(`${pods}?watch=1`)
  expect(events.map(short)).toEqual(['ResponseStarted watch pods  200'])
  watch.end()
  await watch.next()
  expect(events.map(short)[1]).toBe('ResponseComplete watch pods  200')
  const text = await server.call('GET', '/metrics')
  expect(text.body).toContain('apiserver_audit_event_total 2')
  expect(text.body).toMatch(/apiserver_audit_level_total\{level="None"\} \d+/)
  expect(text.body).toContain('apiserver_audit_error_total{plugin="memory"} 0')
})

test('what the levels of pod security would refuse is in the event', async () => {
  const events = await recording([{ level: 'Metadata', resources: [{ resources: ['pods'] }] }])
  const labels = { 'pod-security.kubernetes.io/audit': 'restricted' }
  await server.call(
    'PATCH',
    '/api/v1/namespaces/default',
    { metadata: { labels } },
    { 'content-type': 'application/merge-patch+json' },
  )
  await server.call('POST', pods, pod('a'))
  const found = events.at(-1)!.annotations!['pod-security.kubernetes.io/audit-violations']
  expect(found).toMatch(/^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/)
})

test('a policy that audits what it finds wrong says so in the event, and once', async () => {
  const events = await recording([{ level: 'Metadata', resources: [{ resources: ['pods'] }] }])
  const group = '/apis/admissionregistration.k8s.io/v1'
  await server.call('POST', `${group}/validatingadmissionpolicies`, {
    metadata: { name: 'p' },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
      validations: [
        { expression: 'false', message: 'never' },
        { expression: 'false', message: 'no' },
      ],
      auditAnnotations: [{ key: 'name', valueExpression: 'object.metadata.name' }],
    },
  })
  await server.call('POST', `${group}/validatingadmissionpolicybindings`, {
    ...{ metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Audit'] } },
  })
  expect((await server.call('POST', pods, pod('a'))).status).toBe(201)
  const annotations = events.at(-1)!.annotations!
  expect(annotations['p/name']).toBe('a')
  const failure = { policy: 'p', binding: 'b', validationActions: ['Audit'] }
  expect(JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure']!)).toEqual([
    { ...failure, message: 'never', expressionIndex: 0 },
    { ...failure, message: 'no', expressionIndex: 1 },
  ])
})

test('a server ends although what records it hangs', async () => {
  const clock = new VirtualClock()
  const never = new Promise<void>(() => {})
  const backend = { name: 'm', write() {}, onLost() {}, [Symbol.asyncDispose]: () => never }
  server = await startTestServer({ clock, audit: { policy: { rules: [{ level: 'Metadata' }] }, backends: [backend] } })
  const closed = server.api.close()
  await clock.advance(5_000)
  await closed
  // Once is enough.
  server = await startTestServer()
})

test('an answer waits for its events only where that is asked for', async () => {
  const told: string[] = []
  const backend: AuditBackend = {
    name: 'slow',
    write: () => told.push('written'),
    async flushed() {
      await new Promise(resolve => setImmediate(resolve))
      told.push('flushed')
    },
    onLost() {},
    async [Symbol.asyncDispose]() {},
  }
  const policy = { rules: [{ level: 'Metadata' as const }], omitStages: ['RequestReceived' as const] }
  for (const blocking of [true, false]) {
    await using server = await startTestServer({ audit: { policy, backends: [backend], blocking } })
    told.length = 0
    await server.call('GET', pods)
    told.push('answered')
    expect(told).toEqual(blocking ? ['written', 'flushed', 'answered'] : ['written', 'answered'])
  }
})
