import { expect, test } from 'vitest'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { define } from '../../custom/testing/define.ts'
import { allow, configMap, configMaps, deny, patch, pod, pods, startWithHook, urlOf } from './testing/hook-server.ts'

// What Kubernetes' conformance asks of admission webhooks, case by case, then what else they promise.

test('discovery documents show the webhook resources', async () => {
  const { call } = await startWithHook(() => allow)
  const group = await call('GET', '/apis/admissionregistration.k8s.io')
  expect(group.body.versions).toContainEqual({ groupVersion: 'admissionregistration.k8s.io/v1', version: 'v1' })
  const { body } = await call('GET', '/apis/admissionregistration.k8s.io/v1')
  const names = body.resources.map((r: any) => r.name)
  expect(names).toEqual(expect.arrayContaining(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']))
})

test('pods and config maps are denied by create, PUT and PATCH, but not in exempt namespaces', async () => {
  const { call, configure, webhook, rule } = await startWithHook(({ object }) =>
    object.data?.bad || object.metadata.labels?.bad ? deny('contains unwanted key and value') : allow,
  )
  await configure(
    'Validating',
    'deny',
    webhook('deny-pods.k8s.io', '/pods', [rule(['pods'], ['CREATE'])]),
    webhook('deny-maps.k8s.io', '/maps', [rule(['configmaps'], ['CREATE', 'UPDATE'])], {
      namespaceSelector: { matchExpressions: [{ key: 'skip', operator: 'NotIn', values: ['yes'] }] },
    }),
    webhook('fail-open.k8s.io', '/x', [rule(['configmaps'], ['CREATE'])], {
      failurePolicy: 'Ignore',
      clientConfig: { service: { namespace: 'default', name: 'hook' } },
    }),
  )
  const refused = await call('POST', pods, pod('bad', { labels: { bad: 'yes' } }))
  expect(refused).toMatchObject({
    status: 400,
    body: {
      status: 'Failure',
      message: 'admission webhook "deny-pods.k8s.io" denied the request: contains unwanted key and value',
    },
  })
  expect((await call('POST', configMaps, configMap('bad', { bad: 'yes' }))).status).toBe(400)
  expect((await call('POST', configMaps, configMap('good', { a: 'b' }))).status).toBe(201)
  expect((await call('PUT', `${configMaps}/good`, configMap('good', { bad: 'yes' }))).status).toBe(400)
  const merge = { 'content-type': 'application/merge-patch+json' }
  expect((await call('PATCH', `${configMaps}/good`, { data: { bad: 'yes' } }, merge)).status).toBe(400)
  const exempt = { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'exempt', labels: { skip: 'yes' } } }
  await call('POST', '/api/v1/namespaces', exempt)
  const passed = await call('POST', '/api/v1/namespaces/exempt/configmaps', configMap('bad', { bad: 'yes' }))
  expect(passed.status).toBe(201)
})

test('attaching to a pod is denied, and its options are shown', async () => {
  const nodes = { open: () => Promise.reject(new Error('the agent must not be asked')) }
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => deny('attaching is not allowed'), {
    nodes,
  })
  await call('POST', pods, pod('web', {}, { nodeName: 'n' }))
  await configure('Validating', 'attach', webhook('attach.k8s.io', '/attach', [rule(['pods/attach'], ['CONNECT'])]))
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
  const refused = await call('GET', `${pods}/web/attach?container=c&stdin=1&tty=1`, undefined, upgrade)
  expect(refused.body.message).toBe('admission webhook "attach.k8s.io" denied the request: attaching is not allowed')
  expect(reviews[0]).toMatchObject({
    kind: { group: '', version: 'v1', kind: 'PodAttachOptions' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    ...{ subResource: 'attach', name: 'web', namespace: 'default', operation: 'CONNECT', oldObject: null },
    object: { kind: 'PodAttachOptions', apiVersion: 'v1', stdin: true, tty: true, container: 'c' },
  })
})

const crd = (versions: object[] = [{ name: 'v1', served: true, storage: true }], properties: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' } },
    versions: versions.map(v => ({
      ...v,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: { data: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, ...properties } },
        },
      },
    })),
  },
})
const things = '/apis/example.com/v1/namespaces/default/things'
const thing = (name: string, data: object) => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name },
  data,
})
const thingRule = (operations: string[], apiVersions = ['v1']) => ({
  ...{ apiGroups: ['example.com'], apiVersions, resources: ['things'], operations },
})

test('custom resources are denied on create, update and deletion', async () => {
  const { call, server, configure, webhook } = await startWithHook(({ object, oldObject, operation }) =>
    (operation === 'DELETE' ? oldObject : object).data.bad ? deny('the custom resource contains unwanted data') : allow,
  )
  await define(server, crd())
  await call('POST', things, thing('old', { bad: 'yes' }))
  await configure('Validating', 'things', webhook('things.k8s.io', '/', [thingRule(['CREATE', 'UPDATE', 'DELETE'])]))
  expect((await call('POST', things, thing('new', { bad: 'yes' }))).body.message).toContain('contains unwanted data')
  expect((await call('DELETE', `${things}/old`)).body.message).toContain('contains unwanted data')
  const merge = { 'content-type': 'application/merge-patch+json' }
  expect((await call('PATCH', `${things}/old`, { data: { bad: null } }, merge)).status).toBe(200)
  expect((await call('DELETE', `${things}/old`)).status).toBe(200)
})

test('a webhook that cannot be reached and fails closed refuses everything, as an internal error', async () => {
  const { call, configure, webhook, rule } = await startWithHook(() => allow)
  const clientConfig = { service: { namespace: 'default', name: 'hook', path: '/x' } }
  await configure(
    'Validating',
    'closed',
    webhook('closed.k8s.io', '/x', [rule(['configmaps'], ['CREATE'])], { clientConfig }),
  )
  expect(await call('POST', configMaps, configMap('a'))).toMatchObject({
    status: 500,
    body: {
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "closed.k8s.io": failed to call webhook: Post "https://hook.default.svc:443/x?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    },
  })
})

const staged = ({ object }: any) =>
  object.data.start ? patch({ op: 'add', path: object.data.one ? '/data/two' : '/data/one', value: 'yes' }) : allow

test('config maps are changed by several webhooks, each seeing what those before it did', async () => {
  const { call, configure, webhook, rule } = await startWithHook(staged)
  const rules = [rule(['configmaps'], ['CREATE'])]
  await configure('Mutating', 'maps', webhook('one.k8s.io', '/', rules), webhook('two.k8s.io', '/', rules))
  const made = await call('POST', configMaps, configMap('m', { start: 'yes' }))
  expect(made.body.data).toEqual({ start: 'yes', one: 'yes', two: 'yes' })
})

test('what a webhook adds to a pod gets its defaults, and built-in admission sees it', async () => {
  const added = { name: 'added', image: 'pause' }
  const { call, configure, webhook, rule } = await startWithHook(() =>
    patch({ op: 'add', path: '/spec/initContainers', value: [added] }),
  )
  await configure('Mutating', 'pods', webhook('pods.k8s.io', '/', [rule(['pods'], ['CREATE'])]))
  const { body } = await call('POST', pods, pod('p'))
  expect(body.spec.initContainers).toMatchObject([
    { ...added, terminationMessagePolicy: 'File', imagePullPolicy: 'Always' },
  ])
})

test('configurations can be neither changed nor kept from deletion by webhooks', async () => {
  const { call, configure, webhook, reviews } = await startWithHook(() => deny('never'))
  const all = [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }]
  expect((await configure('Validating', 'all', webhook('all.k8s.io', '/', all))).status).toBe(201)
  expect((await configure('Mutating', 'all', webhook('all.k8s.io', '/', all))).status).toBe(201)
  expect((await call('DELETE', `${urlOf('Mutating')}/all`)).status).toBe(200)
  expect((await call('DELETE', `${urlOf('Validating')}/all`)).status).toBe(200)
  expect(reviews).toEqual([])
})

test('custom resources are changed, and pruned afterwards', async () => {
  const { call, server, configure, webhook } = await startWithHook(staged)
  const pruned = {
    'x-kubernetes-preserve-unknown-fields': undefined,
    properties: { start: { type: 'string' }, one: { type: 'string' } },
  }
  await define(server, crd(undefined, { ...pruned }))
  const rules = [thingRule(['CREATE'])]
  await configure('Mutating', 'things', webhook('one.k8s.io', '/', rules), webhook('two.k8s.io', '/', rules))
  const made = await call('POST', things, thing('t', { start: 'yes' }))
  expect(made.body.data).toEqual({ start: 'yes', one: 'yes' })
})

test('the creation of a definition is denied', async () => {
  const { call, configure, webhook } = await startWithHook(({ object }) =>
    object.metadata.labels?.bad ? deny('the crd contains unwanted label') : allow,
  )
  const rules = [
    {
      apiGroups: ['apiextensions.k8s.io'],
      apiVersions: ['*'],
      resources: ['customresourcedefinitions'],
      operations: ['CREATE'],
    },
  ]
  await configure('Validating', 'crds', webhook('crds.k8s.io', '/', rules))
  const bad: any = crd()
  bad.metadata.labels = { bad: 'yes' }
  const refused = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', bad)
  expect(refused.body.message).toContain('the crd contains unwanted label')
})

test('a custom resource is shown in the version of the rule, whatever version is stored', async () => {
  const { call, server, configure, webhook, reviews } = await startWithHook(staged)
  const both = (stored: string) => ['v1', 'v2'].map(name => ({ name, served: true, storage: name === stored }))
  await define(server, crd(both('v1')))
  await configure('Mutating', 'things', webhook('one.k8s.io', '/', [thingRule(['CREATE', 'UPDATE'])]))
  const made = await call('POST', things, thing('t', { start: 'yes' }))
  expect(made.body.data).toEqual({ start: 'yes', one: 'yes' })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const patched = await call(
    'PATCH',
    '/apis/example.com/v2/namespaces/default/things/t',
    { data: { more: 'x' } },
    merge,
  )
  expect(patched.body).toMatchObject({
    apiVersion: 'example.com/v2',
    data: { start: 'yes', one: 'yes', two: 'yes', more: 'x' },
  })
  const gvk = (version: string) => ({ group: 'example.com', version, kind: 'Thing' })
  expect(reviews[1]).toMatchObject({
    ...{ kind: gvk('v1'), requestKind: gvk('v2') },
    object: { apiVersion: 'example.com/v1' },
    oldObject: { apiVersion: 'example.com/v1', data: { start: 'yes', one: 'yes' } },
  })
})

test('timeouts count: one that is shorter than the webhook needs fails by policy', async () => {
  const clock = new VirtualClock()
  const { call, configure, webhook, rule, nextReview } = await startWithHook(() => 'hang', { clock })
  const rules = [rule(['configmaps'], ['CREATE'])]
  const attempt = async (name: string, more: object) => {
    await configure('Validating', name, webhook('slow.k8s.io', '/slow', rules, more))
    const came = nextReview()
    const answer = call('POST', configMaps, configMap(name))
    await came
    await clock.advance(1000)
    const { status, body } = await answer
    await call('DELETE', `${urlOf('Validating')}/${name}`)
    return status === 201 ? 201 : body.message
  }
  expect(await attempt('closed', { timeoutSeconds: 1 })).toBe(
    'Internal error occurred: failed calling webhook "slow.k8s.io": failed to call webhook: Post "https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded',
  )
  expect(await attempt('open', { timeoutSeconds: 1, failurePolicy: 'Ignore' })).toBe(201)
})

test.each(['Validating', 'Mutating'] as const)(
  '%s configurations are updated, patched, listed and deleted together',
  async kind => {
    const decide = kind === 'Validating' ? () => deny('no') : () => patch({ op: 'add', path: '/data/x', value: 'y' })
    const { call, configure, webhook, rule } = await startWithHook(decide)
    const effective = async (name: string) => {
      const { status, body } = await call('POST', configMaps, configMap(name, { a: 'b' }))
      return kind === 'Validating' ? status === 400 : body.data?.x === 'y'
    }
    const made = await configure(kind, 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
    expect(await effective('a')).toBe(true)
    made.body.webhooks[0].rules[0].operations = ['UPDATE']
    expect((await call('PUT', `${urlOf(kind)}/c`, made.body)).status).toBe(200)
    expect(await effective('b')).toBe(false)
    const json = { 'content-type': 'application/json-patch+json' }
    const operations = { op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }
    expect((await call('PATCH', `${urlOf(kind)}/c`, [operations], json)).status).toBe(200)
    expect(await effective('c')).toBe(true)
    expect((await call('GET', urlOf(kind))).body.items).toHaveLength(1)
    expect((await call('DELETE', urlOf(kind))).status).toBe(200)
    expect(await effective('d')).toBe(false)
  },
)

test.each(['Validating', 'Mutating'] as const)(
  '%s configurations keep match conditions, and refuse those that do not compile',
  async kind => {
    const { call, configure, webhook, rule } = await startWithHook(() => allow)
    const rules = [rule(['configmaps'], ['CREATE'])]
    const conditions = (...expressions: string[]) => ({
      matchConditions: expressions.map((expression, i) => ({ name: `c${i}`, expression })),
    })
    const made = await configure(
      kind,
      'c',
      webhook('w.k8s.io', '/', rules, conditions("object.metadata.name != 'skip-me'")),
    )
    expect(made.body.webhooks[0].matchConditions).toHaveLength(1)
    made.body.webhooks[0].matchConditions.push({ name: 'more', expression: "request.operation == 'CREATE'" })
    expect((await call('PUT', `${urlOf(kind)}/c`, made.body)).body.webhooks[0].matchConditions).toHaveLength(2)
    const refused = await configure(kind, 'bad', webhook('w.k8s.io', '/', rules, conditions('... [] bad expression')))
    expect(refused.status).toBe(422)
    expect(refused.body.message).toContain('compilation failed')
    expect(refused.body.details.causes[0].field).toBe('webhooks[0].matchConditions[0].expression')
  },
)

test("everything except 'skip-me' is changed", async () => {
  const { call, configure, webhook, rule } = await startWithHook(staged)
  const matchConditions = [{ name: 'skip-me', expression: "object.metadata.name != 'skip-me'" }]
  await configure('Mutating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])], { matchConditions }))
  expect((await call('POST', configMaps, configMap('other', { start: 'y' }))).body.data.one).toBe('yes')
  expect((await call('POST', configMaps, configMap('skip-me', { start: 'y' }))).body.data.one).toBeUndefined()
})

test('conditions name fields of the request as they are, the namespace too', async () => {
  const { call, configure, webhook, rule } = await startWithHook(() => deny('no'))
  const expression = "request.namespace == 'default' && request.name != 'free'"
  const matchConditions = [{ name: 'there', expression }]
  await configure('Validating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])], { matchConditions }))
  expect((await call('POST', configMaps, configMap('held'))).status).toBe(400)
  expect((await call('POST', configMaps, configMap('free'))).status).toBe(201)
})

test('a review says everything about the request, also of a name that is made up', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => ({
    ...(allow as object),
    allowed: true,
    warnings: ['careful'],
  }))
  await configure('Validating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  const object = { ...configMap('x'), metadata: { generateName: 'made-' } }
  const { body, headers } = await call('POST', `${configMaps}?fieldManager=me&dryRun=All`, object)
  expect(headers['warning']).toEqual(['299 - "careful"'])
  const { uid, object: seen, ...rest } = reviews[0]
  expect(uid).toMatch(/^[0-9a-f-]{36}$/)
  expect(seen.metadata.name).toBe(body.metadata.name)
  const gvk = { group: '', version: 'v1', kind: 'ConfigMap' }
  const gvr = { group: '', version: 'v1', resource: 'configmaps' }
  expect(rest).toEqual({
    ...{ kind: gvk, requestKind: gvk, resource: gvr, requestResource: gvr },
    ...{ name: body.metadata.name, namespace: 'default', operation: 'CREATE', oldObject: null, dryRun: true },
    userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me' },
  })
})

test('what wants to see later changes is asked once more, and nobody else', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(({ object }) =>
    object.data.late || !object.data.early
      ? patch({ op: 'add', path: '/data/early', value: object.data.late ? 'again' : 'once' })
      : patch({ op: 'add', path: '/data/late', value: 'yes' }),
  )
  const rules = [rule(['configmaps'], ['CREATE'])]
  await configure('Mutating', 'a', webhook('a.k8s.io', '/a', rules, { reinvocationPolicy: 'IfNeeded' }))
  await configure('Mutating', 'b', webhook('b.k8s.io', '/b', rules))
  const { body } = await call('POST', configMaps, configMap('m', { start: 'y' }))
  expect(body.data).toEqual({ start: 'y', early: 'again', late: 'yes' })
  expect(reviews).toHaveLength(3)
})

test('what a webhook may not change stays: identity, and by way of status all but the status', async () => {
  const { call, configure, webhook, rule } = await startWithHook(({ object, subResource }) =>
    patch(
      ...(object.status?.message === 'hi' ? [] : [{ op: 'replace', path: '/metadata/uid', value: 'mine' }]),
      subResource
        ? { op: 'add', path: '/spec/nodeName', value: 'elsewhere' }
        : { op: 'add', path: '/status', value: { phase: 'Running' } },
      { op: 'test', path: '/metadata/name', value: object.metadata.name },
    ),
  )
  await configure('Mutating', 'c', webhook('w.k8s.io', '/', [rule(['pods', 'pods/status'], ['CREATE', 'UPDATE'])]))
  const { body } = await call('POST', pods, pod('p'))
  expect(body.metadata.uid).not.toBe('mine')
  expect(body.status.phase).toBe('Pending')
  const refused = await call('PUT', `${pods}/p/status`, { ...body, status: { ...body.status, message: 'other' } })
  expect([refused.status, refused.body.message]).toEqual([
    422,
    'Pod "p" is invalid: metadata.uid: Invalid value: "mine": field is immutable',
  ])
  const changed = await call('PUT', `${pods}/p/status`, { ...body, status: { ...body.status, message: 'hi' } })
  expect(changed.body).toMatchObject({ status: { message: 'hi' }, metadata: { uid: body.metadata.uid } })
  expect(changed.body.spec.nodeName).toBeUndefined()
})

test('a webhook cannot move an object to another namespace', async () => {
  const { call, configure, webhook, rule } = await startWithHook(() =>
    patch({ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }),
  )
  await configure('Mutating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  expect((await call('POST', configMaps, configMap('m'))).status).toBe(400)
})

test('answers that are none count as no answer', async () => {
  let answer: any
  const { call, configure, webhook, rule } = await startWithHook(() => answer)
  await configure('Mutating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  const said = async (next: object) => {
    answer = next
    return (await call('POST', configMaps, configMap('m'))).body.message
  }
  const invalid = 'Internal error occurred: failed calling webhook "w.k8s.io": received invalid webhook response: '
  expect(await said({ uid: 'other', allowed: true })).toMatch(`${invalid}expected response.uid="`)
  expect(await said({ allowed: true, patch: 'W10=' })).toBe(
    `${invalid}webhook returned response.patch but not response.patchType`,
  )
  expect(await said({ allowed: true, patchType: 'Magic', patch: 'W10=' })).toBe(
    'Internal error occurred: failed calling webhook "w.k8s.io": unsupported patch type "Magic"',
  )
  expect(await said({ allowed: false })).toBe('admission webhook "w.k8s.io" denied the request without explanation')
  expect(await said(patch({ op: 'remove', path: '/no/such' }) as object)).toMatch('Internal error occurred: ')
})

test.each([
  [{ allowed: 'true' }, 'string into Go struct field AdmissionResponse.response.allowed of type bool'],
  [{ uid: 5 }, 'number into Go struct field AdmissionResponse.response.uid of type types.UID'],
  [{ status: 'no' }, 'string into Go struct field AdmissionResponse.response.status of type v1.Status'],
  [{ status: { code: '403' } }, 'string into Go struct field Status.response.status.code of type int32'],
  [{ warnings: 'w' }, 'string into Go struct field AdmissionResponse.response.warnings of type []string'],
  [{ warnings: [1] }, 'number into Go struct field AdmissionResponse.response.warnings of type string'],
  [
    { auditAnnotations: { k: 5 } },
    'number into Go struct field AdmissionResponse.response.auditAnnotations of type string',
  ],
  [{ patchType: 5 }, 'number into Go struct field AdmissionResponse.response.patchType of type v1.PatchType'],
])('an answer of wrong types is none: %j', async (answer, why) => {
  const { call, configure, webhook, rule } = await startWithHook(() => ({ allowed: false, ...answer }) as never)
  const maps = [rule(['configmaps'], ['CREATE'])]
  await configure('Validating', 'c', webhook('open.k8s.io', '/', maps, { failurePolicy: 'Ignore' }))
  expect((await call('POST', configMaps, configMap('open'))).status).toBe(201)
  await configure('Validating', 'd', webhook('shut.k8s.io', '/', maps))
  expect((await call('POST', configMaps, configMap('shut'))).body).toMatchObject({
    code: 500,
    message: `Internal error occurred: failed calling webhook "shut.k8s.io": failed to call webhook: json: cannot unmarshal ${why}`,
  })
})

test('a validating webhook may not change anything, and a patch that is none is refused by any policy', async () => {
  let answer: object = {}
  const { call, configure, webhook, rule } = await startWithHook(() => ({ allowed: true, ...answer }))
  const open = { failurePolicy: 'Ignore' }
  await configure('Validating', 'v', webhook('v.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  await configure('Mutating', 'm', webhook('m.k8s.io', '/', [rule(['pods'], ['CREATE'])], open))
  const told = async (url: string, object: object, next: object) => {
    answer = next
    return (await call('POST', url, object)).body.message
  }
  const invalid =
    'Internal error occurred: failed calling webhook "v.k8s.io": received invalid webhook response: validating webhook may not return '
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  expect(await told(configMaps, configMap('a'), { patch: 'W10=', patchType: 'JSONPatch' })).toBe(
    `${invalid}response.patch`,
  )
  expect(await told(configMaps, configMap('a'), { patchType: 'JSONPatch' })).toBe(`${invalid}response.patchType`)
  expect(await told(pods, pod('a'), { patch: base64('{}'), patchType: 'JSONPatch' })).toBe(
    'Internal error occurred: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
  )
  expect(await told(pods, pod('a'), { patch: base64('garbage'), patchType: 'JSONPatch' })).toMatch(
    'Internal error occurred: ',
  )
})

test('what changes a new object sees it without uid, generation and time; options say only what was sent', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() =>
    patch({ op: 'add', path: '/metadata/labels', value: { a: 'b' } }),
  )
  await configure('Mutating', 'm', webhook('m.k8s.io', '/', [rule(['replicationcontrollers'], ['CREATE'])]))
  const controller = {
    ...{ kind: 'ReplicationController', apiVersion: 'v1', metadata: { name: 'a' } },
    spec: { template: { metadata: { labels: { a: 'b' } }, spec: pod('a').spec } },
  }
  const { body } = await call('POST', '/api/v1/namespaces/default/replicationcontrollers', controller)
  expect(reviews[0].object.metadata).toMatchObject({ name: 'a', creationTimestamp: null })
  expect(reviews[0].object.metadata).not.toHaveProperty('uid')
  expect(reviews[0].object.metadata).not.toHaveProperty('generation')
  expect(reviews[0].options).toEqual({ kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' })
  expect(body.metadata).toMatchObject({
    ...{ labels: { a: 'b' }, generation: 1 },
    ...{ uid: expect.any(String), creationTimestamp: expect.any(String) },
  })
})

test('a review shows the options of a deletion, of a patch and of what is asked of an object', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => allow)
  await configure('Validating', 'c', webhook('w.k8s.io', '/', [rule(['pods', 'pods/*'], ['*'])]))
  await call('POST', pods, pod('a'))
  const merge = { 'content-type': 'application/merge-patch+json' }
  await call('PATCH', `${pods}/a?fieldManager=me`, { metadata: { labels: { a: 'b' } } }, merge)
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } }
  await call('POST', `${pods}/a/eviction?dryRun=All`, eviction)
  // What stands in the query beside a body counts for nothing.
  const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, dryRun: ['All'] }
  await call('DELETE', `${pods}/a?gracePeriodSeconds=30`, options)
  const meta = { apiVersion: 'meta.k8s.io/v1' }
  expect(reviews.map(({ options }) => options)).toEqual([
    { ...meta, kind: 'CreateOptions' },
    { ...meta, kind: 'UpdateOptions', fieldManager: 'me' },
    { ...meta, kind: 'CreateOptions', dryRun: ['All'] },
    { ...meta, kind: 'DeleteOptions', dryRun: ['All'], gracePeriodSeconds: 0 },
  ])
})

test('warnings that are empty or hold control characters are left out', async () => {
  const { call, configure, webhook, rule } = await startWithHook(() => ({
    allowed: true,
    warnings: ['', 'a\nb', 'good'],
  }))
  await configure('Validating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  expect((await call('POST', configMaps, configMap('m'))).headers['warning']).toEqual(['299 - "good"'])
})

test('a dry run is not shown to what has side effects', async () => {
  const { call, configure, webhook, rule } = await startWithHook(() => allow)
  const made = await configure(
    'Validating',
    'c',
    webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])], { sideEffects: 'Some' }),
  )
  expect(made.body.message).toContain('Unsupported value: "Some": supported values: "None", "NoneOnDryRun"')
  await configure('Validating', 'c', webhook('w.k8s.io', '/', [rule(['configmaps'], ['CREATE'])]))
  expect((await call('POST', `${configMaps}?dryRun=All`, configMap('m'))).status).toBe(201)
})

test('what webhooks were asked and said is counted', async () => {
  const { call, configure, webhook, rule } = await startWithHook(({ object }) =>
    object.data?.bad ? deny('no') : allow,
  )
  const created = [rule(['configmaps'], ['CREATE'])]
  const clientConfig = { service: { namespace: 'default', name: 'nobody' } }
  await configure(
    'Validating',
    'deny',
    webhook('deny.k8s.io', '/maps', created),
    webhook('open.k8s.io', '/x', created, { failurePolicy: 'Ignore', clientConfig }),
  )
  await call('POST', configMaps, configMap('good', {}))
  await call('POST', configMaps, configMap('bad', { bad: 'yes' }))
  const metrics: string = (await call('GET', '/metrics')).body
  const about = 'type="validating",operation="CREATE"'
  const lines = [
    `request_total{name="deny.k8s.io",${about},rejected="false",code="200"} 1`,
    `request_total{name="deny.k8s.io",${about},rejected="true",code="400"} 1`,
    `rejection_count{name="deny.k8s.io",${about},error_type="no_error",rejection_code="400"} 1`,
    'fail_open_count{name="open.k8s.io",type="validating"} 2',
    `admission_duration_seconds_count{name="deny.k8s.io",${about},rejected="false"} 1`,
  ].map(line => `apiserver_admission_webhook_${line}`)
  expect(lines.filter(line => !metrics.includes(line))).toEqual([])
})

test('what a webhook breaks of the metadata is mended: owners that are there twice, managers that are none', async () => {
  const twice = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u1' }
  const { call, configure, webhook, rule } = await startWithHook(() =>
    patch(
      { op: 'add', path: '/metadata/ownerReferences', value: [twice, { ...twice, uid: 'u2' }, twice] },
      { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Said' },
    ),
  )
  await configure('Mutating', 'breaks', webhook('breaks.k8s.io', '/', [rule(['configmaps'], ['CREATE', 'UPDATE'])]))
  const made = await call('POST', `${configMaps}?fieldManager=me`, configMap('broken', { a: 'b' }))
  expect([made.status, made.body.message, made.body.metadata.ownerReferences]).toEqual([
    201,
    undefined,
    [twice, { ...twice, uid: 'u2' }],
  ])
  expect(made.body.metadata.managedFields).toMatchObject([{ manager: 'me', operation: 'Update' }])
  expect(made.headers['warning']).toEqual([
    '299 - ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: operation must be `Apply` or `Update`"',
    '299 - ".metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u1"',
  ])
})

test('a webhook is given no more time than the request has left', async () => {
  const asked: string[] = []
  const { call, configure, webhook, rule, outside } = await startWithHook(() => allow, { clock: new VirtualClock() })
  outside.server.on('request', request => asked.push(request.url!))
  const rules = [rule(['configmaps'], ['CREATE'])]
  await configure('Validating', 'time', webhook('time.k8s.io', '/', rules, { timeoutSeconds: 20 }))
  await call('POST', `${configMaps}?timeout=10s`, configMap('short'))
  await call('POST', configMaps, configMap('long'))
  expect(asked).toEqual(['/?timeout=10s', '/?timeout=20s'])
})

test('what is patched is shown with the revision that it was made from, what is sent whole once it was changed', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => allow)
  const rules = [rule(['configmaps'], ['UPDATE'])]
  const made = await call('POST', configMaps, configMap('shown', { a: 'b' }))
  await configure('Mutating', 'm', webhook('m.k8s.io', '/m', rules))
  await configure('Validating', 'v', webhook('v.k8s.io', '/v', rules))
  const { resourceVersion } = made.body.metadata
  const seen = () => reviews.splice(0).map((review: any) => review.object.metadata.resourceVersion)
  const merge = { 'content-type': 'application/merge-patch+json' }
  await call('PATCH', `${configMaps}/shown?dryRun=All`, { data: { a: 'c' } }, merge)
  expect(seen()).toEqual([resourceVersion, resourceVersion])
  await call('PUT', `${configMaps}/shown?dryRun=All`, configMap('shown', { a: 'd' }))
  expect(seen()).toEqual([undefined, resourceVersion])
})

test('conditions may ask about the namespace, which is none for webhooks', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => allow)
  const rules = [rule(['configmaps'], ['CREATE'])]
  const when = (expression: string) => ({ matchConditions: [{ name: 'c', expression }] })
  await configure('Validating', 'some', webhook('some.k8s.io', '/some', rules, when('namespaceObject != null')))
  await call('POST', configMaps, configMap('first', {}))
  expect(reviews).toEqual([])
  await configure('Validating', 'none', webhook('none.k8s.io', '/none', rules, when('namespaceObject == null')))
  await call('POST', configMaps, configMap('second', {}))
  expect(reviews).toHaveLength(1)
})

test('of a made-up name those who change the object know nothing, those who judge it do', async () => {
  const { call, configure, webhook, rule, reviews } = await startWithHook(() => allow)
  await configure('Mutating', 'change', webhook('change.k8s.io', '/change', [rule(['pods'], ['CREATE'])]))
  await configure('Validating', 'judge', webhook('judge.k8s.io', '/judge', [rule(['pods'], ['CREATE'])]))
  const { body } = await call('POST', pods, { ...pod('', {}), metadata: { generateName: 'web-' } })
  expect(body.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
  expect(reviews[0]).not.toHaveProperty('name')
  expect(reviews[0].object.metadata).not.toHaveProperty('name')
  expect(reviews[1]).toMatchObject({ name: body.metadata.name, object: { metadata: { name: body.metadata.name } } })
})
