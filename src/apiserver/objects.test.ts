import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTokenKey } from '../base/certificates.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let clock: VirtualClock
const tokenKeys = await createTokenKey()
beforeEach(async () => {
  clock = new VirtualClock()
  // Narrow ranges, so that those who write at once want the same.
  const ranges = { serviceCidr: '10.96.0.0/26', nodePorts: { first: 30_000, last: 30_049 } }
  server = await startTestServer({ clock, tokenKeys, ...ranges })
})
afterEach(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const apps = '/apis/apps/v1/namespaces/default'
const merge = { 'content-type': 'application/merge-patch+json' }
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})
const bindTo = (name: string, node: string) =>
  server.call('POST', `${ns}/pods/${name}/binding`, { metadata: { name }, target: { kind: 'Node', name: node } })

test('a pod is completed on its way in: account, token volume, priority, tolerations, status', async () => {
  const { status, body } = await server.call('POST', `${ns}/pods`, pod('a'))
  expect(status).toBe(201)
  expect(body.spec).toMatchObject({
    serviceAccountName: 'default',
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    restartPolicy: 'Always',
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', operator: 'Exists', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', operator: 'Exists', tolerationSeconds: 300 },
    ],
    volumes: [{ name: expect.stringMatching(/^kube-api-access-.{5}$/), projected: { defaultMode: 420 } }],
  })
  expect(body.spec.containers[0].volumeMounts[0]).toMatchObject({ readOnly: true, name: body.spec.volumes[0].name })
  expect(body.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' })
  expect((await server.call('GET', `${ns}/serviceaccounts/default`)).status).toBe(200)
})

test('an invalid object is refused with all that is wrong with it', async () => {
  const { body } = await server.call('POST', `${ns}/pods`, pod('Bad_Name', { containers: [{ name: '', image: 'i' }] }))
  expect(body).toMatchObject({ code: 422, reason: 'Invalid', details: { kind: 'Pod', name: 'Bad_Name' } })
  expect(body.details.causes.map((c: any) => c.field)).toEqual(
    expect.arrayContaining(['metadata.name', 'spec.containers[0].name']),
  )
})

test('unknown fields are ignored, warned of, or refused, as the request wants', async () => {
  const body = { ...pod('a'), spec: { ...pod('a').spec, bogus: 1 } }
  const warned = await server.call('POST', `${ns}/pods?dryRun=All`, body)
  expect([warned.status, warned.headers['warning']]).toEqual([201, ['299 - "unknown field \\"spec.bogus\\""']])
  const ignored = await server.call('POST', `${ns}/pods?dryRun=All&fieldValidation=Ignore`, body)
  expect([ignored.status, ignored.headers['warning']]).toEqual([201, undefined])
  const strict = await server.call('POST', `${ns}/pods?dryRun=All&fieldValidation=Strict`, body)
  expect(strict.body.message).toBe(
    'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.bogus"',
  )
  expect((await server.call('GET', `${ns}/pods/a`)).status).toBe(404)
})

test('a dry run of a create refuses what exists, and does not mind a resourceVersion', async () => {
  const first = await server.call('POST', `${ns}/configmaps`, { metadata: { name: 'a' } })
  const again = await server.call('POST', `${ns}/configmaps?dryRun=All`, { metadata: { name: 'a' } })
  expect([again.status, again.body.message]).toEqual([409, 'configmaps "a" already exists'])
  const copy = { metadata: { ...first.body.metadata, name: 'b', managedFields: undefined } }
  expect((await server.call('POST', `${ns}/configmaps?dryRun=All`, copy)).status).toBe(201)
  const written = await server.call('POST', `${ns}/configmaps`, copy)
  expect([written.status, written.body.message]).toEqual([
    500,
    'resourceVersion should not be set on objects to be created',
  ])
})

test('a running pod is deleted in two steps, and the second may come sooner', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  await bindTo('a', 'n1')
  const marked = await server.call('DELETE', `${ns}/pods/a`)
  expect(marked.body.metadata).toMatchObject({
    deletionTimestamp: `${new Date(clock.now() + 30_000).toISOString().slice(0, 19)}Z`,
    deletionGracePeriodSeconds: 30,
  })
  expect(
    (await server.call('DELETE', `${ns}/pods/a?gracePeriodSeconds=60`)).body.metadata.deletionGracePeriodSeconds,
  ).toBe(30)
  const gone = await server.call('DELETE', `${ns}/pods/a`, {
    gracePeriodSeconds: 0,
    preconditions: { uid: marked.body.metadata.uid },
  })
  expect(gone.body).toMatchObject({ kind: 'Pod', metadata: { name: 'a' } })
  expect((await server.call('GET', `${ns}/pods/a`)).status).toBe(404)
})

test('a pod that would stop at once stops as slowly as the request says', async () => {
  const quick = pod('quick')
  await server.call('POST', `${ns}/pods`, { ...quick, spec: { ...quick.spec, terminationGracePeriodSeconds: 0 } })
  await bindTo('quick', 'n1')
  const { body } = await server.call('DELETE', `${ns}/pods/quick?gracePeriodSeconds=30`)
  expect(body.metadata).toMatchObject({ deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 30 })
})

test('a pod that runs nowhere goes at once', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  expect((await server.call('DELETE', `${ns}/pods/a`)).body.status.phase).toBe('Pending')
  expect((await server.call('GET', `${ns}/pods/a`)).status).toBe(404)
})

test('preconditions of another object refuse the deletion', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  const { body } = await server.call('DELETE', `${ns}/pods/a`, { preconditions: { uid: 'other' } })
  // The kind, where other refusals name the resource.
  expect(body).toMatchObject({ code: 409, reason: 'Conflict', details: { name: 'a', kind: 'Pod' } })
  expect(body.message).toMatch(
    /^Operation cannot be fulfilled on Pod "a": the UID in the precondition \(other\) does not match the UID in record \(.{36}\)\. The object might have been deleted and then recreated$/,
  )
  const stale = await server.call('DELETE', `${ns}/pods/a`, { preconditions: { resourceVersion: '1' } })
  expect(stale.body.message).toMatch(/the ResourceVersion in the precondition \(1\) .* might have been modified$/)
  for (const query of ['uid=other', 'resourceVersion=1'])
    expect((await server.call('DELETE', `${ns}/pods/a?${query}`)).status).toBe(409)
})

test('what is being deleted is in the way of a new one, and that is said', async () => {
  const held = { metadata: { name: 'held', finalizers: ['example.com/a'] } }
  await server.call('POST', `${ns}/configmaps`, held)
  const exists = 'configmaps "held" already exists'
  expect((await server.call('POST', `${ns}/configmaps`, held)).body.message).toBe(exists)
  await server.call('DELETE', `${ns}/configmaps/held`)
  for (const dry of ['', '?dryRun=All'])
    expect((await server.call('POST', `${ns}/configmaps${dry}`, held)).body.message).toBe(
      `object is being deleted: ${exists}`,
    )
})

test('the deletion of a collection keeps to its page, and to what a list may be asked', async () => {
  for (const name of ['p1', 'p2', 'p3'])
    await server.call('POST', `${ns}/configmaps`, { metadata: { name, labels: { page: 'd' } } })
  const url = `${ns}/configmaps?labelSelector=page%3Dd`
  expect((await server.call('DELETE', `${url}&resourceVersionMatch=Exact`)).status).toBe(422)
  expect((await server.call('DELETE', `${url}&continue=abc`)).status).toBe(400)
  const first = await server.call('DELETE', `${url}&limit=2`)
  expect(first.body.items.map((i: any) => i.metadata.name)).toEqual(['p1', 'p2'])
  expect(first.body.metadata.continue).toBeTypeOf('string')
  expect((await server.call('GET', url)).body.items.map((i: any) => i.metadata.name)).toEqual(['p3'])
})

test('finalizers hold an object, and the last one to go takes it along', async () => {
  const url = `${apps}/deployments/web`
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const created = await server.call('POST', `${apps}/deployments`, {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
  })
  expect(created.body.metadata.generation).toBe(1)
  const marked = await server.call('DELETE', url, { propagationPolicy: 'Foreground' })
  expect(marked.body.metadata).toMatchObject({
    finalizers: ['foregroundDeletion'],
    generation: 2,
    deletionGracePeriodSeconds: 0,
  })
  const added = await server.call(
    'PATCH',
    url,
    { metadata: { finalizers: ['foregroundDeletion', 'example.com/x'] } },
    merge,
  )
  expect(added.body).toMatchObject({ code: 422 })
  const watching = await server.watch(
    `${apps}/deployments?watch=1&resourceVersion=${marked.body.metadata.resourceVersion}`,
  )
  expect((await server.call('PATCH', url, { metadata: { finalizers: null } }, merge)).status).toBe(200)
  expect((await watching.next()).type).toBe('DELETED')
  watching.end()
  expect((await server.call('GET', url)).status).toBe(404)
})

test('a namespace ends with its content: marked, finalized, gone', async () => {
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'team' } })
  const marked = await server.call('DELETE', '/api/v1/namespaces/team')
  expect(marked.body.status.phase).toBe('Terminating')
  const late = await server.call('POST', '/api/v1/namespaces/team/configmaps', { metadata: { name: 'late' } })
  expect(late.body).toMatchObject({
    code: 403,
    message:
      'configmaps "late" is forbidden: unable to create new content in namespace team because it is being terminated',
    details: { causes: [{ reason: 'NamespaceTerminating' }] },
  })
  const finalized = await server.call('PUT', '/api/v1/namespaces/team/finalize', {
    ...marked.body,
    spec: { finalizers: [] },
  })
  expect(finalized.status).toBe(200)
  expect((await server.call('GET', '/api/v1/namespaces/team')).status).toBe(404)
  expect((await server.call('DELETE', '/api/v1/namespaces/default')).body.message).toBe(
    'namespaces "default" is forbidden: this namespace may not be deleted',
  )
  expect(
    (await server.call('POST', '/api/v1/namespaces/nope/configmaps', { metadata: { name: 'a' } })).body.message,
  ).toBe('namespaces "nope" not found')
})

test('status and the rest are written apart, and only the rest counts as a new generation', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const url = `${apps}/deployments/web`
  await server.call('POST', `${apps}/deployments`, {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: { a: 'b' } }, template },
    status: { replicas: 9 },
  })
  const status = await server.call('PATCH', `${url}/status`, { status: { replicas: 2 }, spec: { replicas: 7 } }, merge)
  expect([status.body.status.replicas, status.body.spec.replicas, status.body.metadata.generation]).toEqual([2, 1, 1])
  const main = await server.call('PATCH', url, { status: { replicas: 5 }, spec: { replicas: 3 } }, merge)
  expect([main.body.status.replicas, main.body.spec.replicas, main.body.metadata.generation]).toEqual([2, 3, 2])
  const scaled = await server.call('PATCH', `${url}/scale`, { spec: { replicas: 4 } }, merge)
  expect(scaled.body).toMatchObject({
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 4 },
    status: { replicas: 2, selector: 'a=b' },
  })
  expect((await server.call('GET', url)).body.metadata.generation).toBe(3)
})

test('a binding is given once', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  expect((await bindTo('a', 'n1')).status).toBe(201)
  const { body } = await server.call('GET', `${ns}/pods/a`)
  expect(body.spec.nodeName).toBe('n1')
  expect(body.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }])
  expect((await bindTo('a', 'n2')).body).toMatchObject({ code: 409, reason: 'Conflict' })
})

test('an eviction asks the disruption budget, and takes from it', async () => {
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
  await server.call('POST', budgets, {
    metadata: { name: 'b' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } },
  })
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  for (const name of ['a', 'b']) {
    await server.call('POST', `${ns}/pods`, pod(name, {}, { labels: { app: 'x' } }))
    await bindTo(name, 'n1')
    await server.call('PATCH', `${ns}/pods/${name}/status`, { status: ready }, merge)
  }
  const allow = (n: number) =>
    server.call(
      'PATCH',
      `${budgets}/b/status`,
      {
        status: { disruptionsAllowed: n, observedGeneration: 1, desiredHealthy: 1, currentHealthy: 2, expectedPods: 2 },
      },
      merge,
    )
  await allow(1)
  expect((await server.call('POST', `${ns}/pods/a/eviction`, { metadata: { name: 'a' } })).status).toBe(201)
  const { body: evicted } = await server.call('GET', `${ns}/pods/a`)
  expect(evicted.metadata.deletionTimestamp).toBeDefined()
  expect(evicted.status.conditions).toContainEqual({
    ...{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
    ...{ message: 'Eviction API: evicting', lastTransitionTime: expect.any(String) },
  })
  const refused = await server.call('POST', `${ns}/pods/b/eviction`, { metadata: { name: 'b' } })
  expect(refused.body).toMatchObject({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 2 currently' },
      ],
    },
  })
})

test('services get addresses and ports of their own, also when many are made at once', async () => {
  const service = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  })
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, i) => server.call('POST', `${ns}/services`, service(`s${i}`, { type: 'NodePort' }))),
  )
  expect(new Set(made.map(m => m.status))).toEqual(new Set([201]))
  expect(new Set(made.map(m => m.body.spec.clusterIP)).size).toBe(40)
  expect(new Set(made.map(m => m.body.spec.ports[0].nodePort)).size).toBe(40)
  const ip = made[0]!.body.spec.clusterIP
  expect((await server.call('POST', `${ns}/services`, service('same', { clusterIP: ip }))).body.message).toContain(
    'provided IP is already allocated',
  )
  expect(
    (await server.call('POST', `${ns}/services`, service('far', { clusterIP: '1.2.3.4' }))).body.message,
  ).toContain('not in the valid range')
  await server.call('DELETE', `${ns}/services/s0`)
  expect((await server.call('POST', `${ns}/services`, service('same', { clusterIP: ip }))).status).toBe(201)
  // Leading zeros are taken, kept as they are, and decimal: another way to write the same address.
  await server.call('DELETE', `${ns}/services/same`)
  const zeros = ip.replace(/(\d+)$/, '0$1')
  const written = await server.call('POST', `${ns}/services`, service('zeros', { clusterIP: zeros }))
  expect([written.status, written.body.spec.clusterIPs]).toEqual([201, [zeros]])
  expect((await server.call('POST', `${ns}/services`, service('same', { clusterIP: ip }))).body.message).toContain(
    'provided IP is already allocated',
  )
  const plain = await server.call('PATCH', `${ns}/services/s1`, { spec: { type: 'ClusterIP' } }, merge)
  expect(plain.body.spec.ports[0].nodePort).toBeUndefined()
  expect((await server.call('GET', `${ns}/services/kubernetes`)).body.spec.clusterIP).toBe('10.96.0.1')
})

test('a token speaks for its account while account and pod are there', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  const { body } = await server.call('POST', `${ns}/serviceaccounts/default/token`, {
    spec: { expirationSeconds: 600, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a' } },
  })
  expect(body).toMatchObject({
    kind: 'TokenRequest',
    spec: { expirationSeconds: 600, audiences: ['https://kubernetes.default.svc'] },
  })
  const review = async () =>
    (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: body.status.token } }))
      .body.status
  expect(await review()).toMatchObject({
    authenticated: true,
    user: {
      username: 'system:serviceaccount:default:default',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['a'] },
    },
  })
  await server.call('DELETE', `${ns}/pods/a`)
  expect(await review()).toEqual({ user: {}, error: 'invalid bearer token' })
  const short = await server.call('POST', `${ns}/serviceaccounts/default/token`, { spec: { expirationSeconds: 5 } })
  expect(short.status).toBe(422)
})

test('a token past its time is not good any more', async () => {
  await server.call('POST', `${ns}/serviceaccounts`, { metadata: { name: 'robot' } })
  const { body } = await server.call('POST', `${ns}/serviceaccounts/robot/token`, { spec: { expirationSeconds: 600 } })
  const ask = async () =>
    (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: body.status.token } }))
      .body.status.authenticated
  expect(await ask()).toBe(true)
  await clock.advance(601_000)
  expect(await ask()).toBeUndefined()
})

test('PUT without a version replaces whatever is there, "0" too, and of a missing object is not found', async () => {
  const url = `${ns}/configmaps/a`
  await server.call('POST', `${ns}/configmaps`, { metadata: { name: 'a' } })
  for (const resourceVersion of [undefined, '0'])
    expect(
      (
        await server.call('PUT', url, {
          metadata: { name: 'a', resourceVersion },
          data: { v: String(resourceVersion) },
        })
      ).status,
    ).toBe(200)
  expect((await server.call('PUT', `${ns}/pods/none`, pod('none'))).status).toBe(404)
  const other = await server.call('PUT', url, { metadata: { name: 'b' } })
  expect(other.body.message).toBe('the name of the object (b) does not match the name on the URL (a)')
})

test('concurrent patches of different keys all take hold', async () => {
  await server.call('POST', `${ns}/configmaps`, { metadata: { name: 'a' } })
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, i) =>
      server.call('PATCH', `${ns}/configmaps/a`, { data: { [`k${i}`]: 'v' } }, merge),
    ),
  )
  expect(answers.map(a => a.status)).toEqual([200, 200, 200, 200, 200])
  expect(Object.keys((await server.call('GET', `${ns}/configmaps/a`)).body.data)).toHaveLength(5)
  const locked = { metadata: { resourceVersion: answers[0]!.body.metadata.resourceVersion }, data: { late: 'x' } }
  const newest = (await server.call('GET', `${ns}/configmaps/a`)).body.metadata.resourceVersion
  if (locked.metadata.resourceVersion !== newest)
    expect((await server.call('PATCH', `${ns}/configmaps/a`, locked, merge)).status).toBe(409)
})

test('events of both groups are the same objects in two forms', async () => {
  const event = {
    metadata: { name: 'e', namespace: 'default' },
    involvedObject: { kind: 'Pod', name: 'a', namespace: 'default' },
    reason: 'Started',
    message: 'hello',
    type: 'Normal',
    source: { component: 'test' },
  }
  expect((await server.call('POST', `${ns}/events`, event)).status).toBe(201)
  const other = await server.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e')
  expect(other.body).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello', regarding: { name: 'a' } })
  const found = await server.call('GET', '/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Da')
  expect(found.body.items).toHaveLength(1)
})

test('a collection is deleted by its labels', async () => {
  for (const [name, app] of [
    ['a', 'x'],
    ['b', 'y'],
    ['c', 'x'],
  ])
    await server.call('POST', `${ns}/configmaps`, { metadata: { name, labels: { app } } })
  const { body } = await server.call('DELETE', `${ns}/configmaps?labelSelector=app%3Dx`)
  expect(body.items.map((i: any) => i.metadata.name)).toEqual(['a', 'c'])
  expect((await server.call('GET', `${ns}/configmaps`)).body.items.map((i: any) => i.metadata.name)).toEqual(['b'])
})

test('integers beyond 2^53 and YAML come through whole', async () => {
  const lease = '{"metadata":{"name":"big"},"data":{"n":"9007199254740993"}}'
  await server.call('POST', `${ns}/configmaps`, Buffer.from(lease), { 'content-type': 'application/json' })
  const yaml = await server.call('GET', `${ns}/configmaps/big`, undefined, { accept: 'application/yaml' })
  expect(yaml.headers['content-type']).toBe('application/yaml')
  expect(yaml.body).toContain('"n": "9007199254740993"')
})

test('YAML is written as Kubernetes writes it, however long the answer', async () => {
  const metadata = { name: 'long', labels: { a: 'yes' }, annotations: { b: '2026-01-01' } }
  const text = 'line\n'.repeat(20_000)
  await server.call('POST', `${ns}/configmaps`, { metadata, data: { text, n: '1e3' } })
  const accept = { accept: 'application/yaml' }
  const one = await server.call('GET', `${ns}/configmaps/long`, undefined, accept)
  const indented = (by: string) => `${by}  "n": "1e3"\n${by}  text: |\n${`${by}    line\n`.repeat(20_000)}`
  expect(one.body.startsWith(`apiVersion: v1\ndata:\n${indented('')}kind: ConfigMap\n`)).toBe(true)
  expect(one.body).toContain('  annotations:\n    b: "2026-01-01"\n')
  expect(one.body).toContain('  labels:\n    a: "yes"\n')
  const many = await server.call('GET', `${ns}/configmaps?labelSelector=a`, undefined, accept)
  const head = `apiVersion: v1\nitems:\n- data:\n${indented('  ')}  metadata:\n    annotations:\n`
  expect(many.body.startsWith(head)).toBe(true)
  expect(many.body).toMatch(/\nkind: ConfigMapList\nmetadata:\n {2}resourceVersion: "\d+"\n$/)
  const none = await server.call('GET', `${ns}/configmaps?labelSelector=zz`, undefined, accept)
  expect(none.body).toMatch(/^apiVersion: v1\nitems: \[\]\nkind: ConfigMapList\n/)
})

test('a running pod is given a container for debugging, which stays as it is', async () => {
  await server.call('POST', `${ns}/pods`, pod('a'))
  const path = `${ns}/pods/a/ephemeralcontainers`
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  const debug = (image: string) => ({
    spec: { ephemeralContainers: [{ name: 'debug', image, targetContainerName: 'c' }] },
  })
  const added = await server.call('PATCH', path, debug('busybox'), strategic)
  expect(added.status).toBe(200)
  expect(added.body.spec.ephemeralContainers).toMatchObject([{ name: 'debug', image: 'busybox' }])
  expect((await server.call('PATCH', path, debug('other'), strategic)).body).toMatchObject({
    code: 422,
    message: expect.stringContaining('existing ephemeral containers "debug" may not be removed or changed'),
  })
  expect((await server.call('POST', `${ns}/pods`, pod('b', debug('busybox').spec))).status).toBe(422)
})

test('a binding of a mutating policy that says nothing of parameters that are not there denies', async () => {
  await using server = await startTestServer()
  const made = await server.call(
    'POST',
    '/apis/admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicybindings',
    { metadata: { name: 'b' }, spec: { policyName: 'p', paramRef: { name: 'x', namespace: 'default' } } },
  )
  expect([made.status, made.body.spec.paramRef.parameterNotFoundAction]).toEqual([201, 'Deny'])
})

test('what is sent in a version of earlier days is refused for its version, and in one that never was as unknown', async () => {
  await using server = await startTestServer()
  const refusal = async (path: string, apiVersion: string, kind: string) => {
    const { status, body } = await server.call('POST', `/apis/${path}`, { apiVersion, kind, metadata: { name: 'old' } })
    return [status, body.message]
  }
  const mismatch = (said: string, own: string) =>
    `the API version in the data (${said}) does not match the expected API version (${own})`
  for (const [path, apiVersion, kind] of [
    ['apiextensions.k8s.io/v1/customresourcedefinitions', 'apiextensions.k8s.io/v1beta1', 'CustomResourceDefinition'],
    ['policy/v1/namespaces/default/poddisruptionbudgets', 'policy/v1beta1', 'PodDisruptionBudget'],
    ['networking.k8s.io/v1/namespaces/default/ingresses', 'extensions/v1beta1', 'Ingress'],
  ] as const)
    expect(await refusal(path, apiVersion, kind)).toEqual([400, mismatch(apiVersion, path.split('/', 2).join('/'))])
  expect(await refusal('batch/v1/namespaces/default/cronjobs', 'batch/v2alpha1', 'CronJob')).toEqual([
    400,
    'CronJob in version "v2alpha1" cannot be handled as a CronJob: no kind "CronJob" is registered for version "batch/v2alpha1" in scheme "pkg/runtime/scheme.go:100"',
  ])
})

test('a selector or role that may not change is shown as a server in Go shows it; the namespace of a subject is taken as it is', async () => {
  await using server = await startTestServer()
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const deployment = (label: string) => ({
    metadata: { name: 'kept' },
    spec: {
      selector: { matchLabels: { app: label } },
      template: { metadata: { labels: { app: label } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  await server.call('POST', deployments, deployment('a'))
  const { body } = await server.call('PUT', `${deployments}/kept`, deployment('b'))
  expect(body.message).toBe(
    'Deployment.apps "kept" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"b"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
  )
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'
  const binding = (name: string) => ({
    metadata: { name: 'kept' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name: 's', namespace: '$NAMESPACE' }],
  })
  expect((await server.call('POST', bindings, binding('a'))).status).toBe(201)
  const changed = await server.call('PUT', `${bindings}/kept`, binding('b'))
  expect(changed.body.message).toBe(
    'ClusterRoleBinding.rbac.authorization.k8s.io "kept" is invalid: roleRef: Invalid value: rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"ClusterRole", Name:"b"}: cannot change roleRef',
  )
})

test('a new object may not say that it was read before; a resourceVersion that is no number says nothing', async () => {
  await using server = await startTestServer()
  const create = (name: string, resourceVersion: string) =>
    server.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name, resourceVersion } })
  const refused = await create('read', '7')
  expect([refused.status, refused.body.message]).toEqual([
    500,
    'resourceVersion should not be set on objects to be created',
  ])
  for (const [name, sent] of [
    ['word', 'v1'],
    ['none', '0'],
  ] as const)
    expect((await create(name, sent)).status).toBe(201)
})
