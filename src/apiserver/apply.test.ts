import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSigningRequest } from '../base/signing-request.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  // Fields are listed in the order of their second.
  server = await startTestServer({ clock: new VirtualClock() })
})
afterAll(() => server[Symbol.asyncDispose]())

const type = { 'content-type': 'application/apply-patch+yaml' }
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const deployment = (name: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
})
const scale = (name: string, replicas: number) => ({
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  metadata: { name },
  spec: { replicas },
})
const managers = async (url: string) =>
  (await server.call('GET', url)).body.metadata.managedFields.map((e: any) =>
    [e.manager, e.operation, e.subresource, e.fieldsV1['f:spec'] && 'f:replicas' in e.fieldsV1['f:spec']].filter(
      Boolean,
    ),
  )

test('replicas applied through scale conflict with who applied them, and are taken over by force', async () => {
  const url = `${deployments}/scaled`
  await server.call('PATCH', `${url}?fieldManager=owner`, deployment('scaled', { replicas: 3 }), type)
  const refused = await server.call('PATCH', `${url}/scale?fieldManager=hpa`, scale('scaled', 5), type)
  expect([refused.status, refused.body.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "owner": .spec.replicas',
  ])
  const forced = await server.call('PATCH', `${url}/scale?fieldManager=hpa&force=true`, scale('scaled', 5), type)
  expect([forced.status, forced.body.kind, forced.body.spec]).toEqual([200, 'Scale', { replicas: 5 }])
  expect(await managers(url)).toEqual([
    ['hpa', 'Apply', 'scale', true],
    ['owner', 'Apply'],
  ])
  // The owner gives the field up: the autoscaler keeps what it has.
  const { body } = await server.call('PATCH', `${url}?fieldManager=owner`, deployment('scaled'), type)
  expect(body.spec.replicas).toBe(5)
})

test('who creates or changes a pod owns what he sent and its defaults, not what admission adds, nor the status', async () => {
  const pods = '/api/v1/namespaces/default/pods'
  const pod = {
    metadata: { name: 'owned', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running' },
  }
  const { body } = await server.call('POST', `${pods}?fieldManager=maker`, pod)
  expect([body.spec.tolerations.length, body.spec.priority, body.status.phase]).toEqual([2, 0, 'Pending'])
  const [{ fieldsV1 }] = body.metadata.managedFields
  expect(fieldsV1).toEqual({
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': {
      'f:containers': {
        'k:{"name":"c"}': {
          ...Object.fromEntries(['.', 'f:image', 'f:imagePullPolicy', 'f:name', 'f:resources'].map(f => [f, {}])),
          'f:terminationMessagePath': {},
          'f:terminationMessagePolicy': {},
        },
      },
      ...Object.fromEntries(['f:dnsPolicy', 'f:enableServiceLinks', 'f:restartPolicy'].map(f => [f, {}])),
      ...Object.fromEntries(['f:schedulerName', 'f:securityContext'].map(f => [f, {}])),
      'f:terminationGracePeriodSeconds': {},
    },
  })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const changed = await server.call(
    'PATCH',
    `${pods}/owned?fieldManager=maker`,
    { metadata: { labels: { a: 'c' } } },
    merge,
  )
  expect(changed.body.metadata.managedFields[0].fieldsV1).toEqual(fieldsV1)
})

test('a sub-path of a pod is applied and patched by a manager of its own', async () => {
  const pods = '/api/v1/namespaces/default/pods'
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await server.call('POST', `${pods}?fieldManager=maker`, pod)
  const debug = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } }
  const ephemeral = (name: string) => ({ ...debug, spec: { ephemeralContainers: [{ name, image: 'i' }] } })
  const patched = await server.call('PATCH', `${pods}/p/ephemeralcontainers?fieldManager=one`, ephemeral('e1'), {
    'content-type': 'application/strategic-merge-patch+json',
  })
  const applied = await server.call('PATCH', `${pods}/p/ephemeralcontainers?fieldManager=two`, ephemeral('e2'), type)
  expect([patched.status, applied.status]).toEqual([200, 200])
  expect(applied.body.spec.ephemeralContainers.map((c: any) => c.name)).toEqual(['e1', 'e2'])
  expect(applied.body.metadata.managedFields.map((e: any) => [e.manager, e.operation, e.subresource])).toEqual([
    ['two', 'Apply', 'ephemeralcontainers'],
    ['maker', 'Update', undefined],
    ['one', 'Update', 'ephemeralcontainers'],
  ])
})

test('of what is there the name of the path will do; what does not fit the type is refused in Kubernetes’ words', async () => {
  const { metadata: _, ...nameless } = deployment('quiet')
  const apply = (body: object) => server.call('PATCH', `${deployments}/quiet?fieldManager=m`, body, type)
  const unknown = await apply(nameless)
  expect([unknown.status, unknown.body.message]).toEqual([
    400,
    'the name of the object (quiet based on URL) was undeterminable: name must be provided',
  ])
  const foreign = await apply({ ...nameless, metadata: { name: 'quiet', uid: 'x' } })
  expect([foreign.status, foreign.body.message]).toEqual([
    409,
    'Operation cannot be fulfilled on deployments.apps "quiet": uid mismatch: the provided object specified uid x, and no existing object was found',
  ])
  expect((await apply(deployment('quiet'))).status).toBe(201)
  const made = await apply(nameless)
  expect([made.status, made.body.metadata.name]).toEqual([200, 'quiet'])
  const odd = await server.call('PATCH', `${deployments}/quiet?fieldManager=m`, deployment('quiet', { bogus: 1 }), type)
  expect([odd.status, odd.body.message]).toEqual([
    500,
    'failed to create typed patch object (/quiet; apps/v1, Kind=Deployment): .spec.bogus: field not declared in schema',
  ])
})

test('what is written by way of another group is owned under its names', async () => {
  const url = '/apis/events.k8s.io/v1/namespaces/default/events?fieldManager=m'
  const regarding = { kind: 'Pod', name: 'p', namespace: 'default' }
  const said = { ...{ action: 'A', reason: 'R', type: 'Normal', note: 'n', regarding }, reportingController: 'x.io/c' }
  const times = { eventTime: '2026-01-01T00:00:00.000000Z', reportingInstance: 'i' }
  const { body } = await server.call('POST', url, { metadata: { name: 'e' }, ...said, ...times })
  const [{ apiVersion, fieldsV1 }] = body.metadata.managedFields
  expect(apiVersion).toBe('events.k8s.io/v1')
  expect(Object.keys(fieldsV1)).toEqual(expect.arrayContaining(['f:regarding', 'f:note', 'f:reportingController']))
})

test('who scaled by an older version owns the field in each; versions that there are not own nothing', async () => {
  const path = '/namespaces/default/horizontalpodautoscalers'
  const scaleTargetRef = { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }
  const old = { metadata: { name: 'h' }, spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } }
  const made = await server.call('POST', `/apis/autoscaling/v1${path}?fieldManager=one`, old)
  const { spec } = made.body
  const owners = (body: any) => body.metadata.managedFields.map((e: any) => [e.manager, e.apiVersion, e.fieldsV1])
  expect(owners(made.body)).toEqual([
    [
      'one',
      'autoscaling/v1',
      expect.objectContaining({ 'f:spec': expect.objectContaining({ 'f:targetCPUUtilizationPercentage': {} }) }),
    ],
  ])
  const two = `/apis/autoscaling/v2${path}/h?fieldManager=two`
  const patch = { 'content-type': 'application/merge-patch+json' }
  const changed = await server.call('PATCH', two, { spec: { metrics: [], maxReplicas: 4 } }, patch)
  expect(owners(changed.body).map(([manager, , f]: any) => [manager, Object.keys(f['f:spec'] ?? {})])).toEqual([
    ['one', expect.not.arrayContaining(['f:maxReplicas'])],
    ['two', expect.arrayContaining(['f:maxReplicas'])],
  ])
  expect(spec.targetCPUUtilizationPercentage).toBe(50)
  const entry = { manager: 'm', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': {} } }
  const managedFields = ['v1', 'nope.io/v1', 'autoscaling/v9'].map(apiVersion => ({ ...entry, apiVersion }))
  const told = await server.call('PATCH', two, { metadata: { managedFields }, spec: { maxReplicas: 5 } }, patch)
  expect(owners(told.body).map(([manager]: any) => manager)).toEqual(['two'])
  const forgotten = await server.call('PATCH', two, { metadata: { managedFields: [] } }, patch)
  expect(forgotten.body.metadata.managedFields).toBeUndefined()
})

test('a configuration names no managers, not even none', async () => {
  const named = { ...deployment('managed'), metadata: { name: 'managed', managedFields: [] } }
  const { body } = await server.call('PATCH', `${deployments}/managed?fieldManager=m`, named, type)
  expect([body.code, body.message]).toEqual([400, 'metadata.managedFields must be nil'])
})

test('of a configuration that names another object, conflicts with the one of the path are told first', async () => {
  const url = `${deployments}/named`
  await server.call('PATCH', `${url}?fieldManager=owner`, deployment('named', { replicas: 3 }), type)
  const apply = async (spec: object, at = url) => {
    const { status, body } = await server.call('PATCH', `${at}?fieldManager=me`, deployment('another', spec), type)
    return [status, body.message]
  }
  const conflict = 'Apply failed with 1 conflict: conflict with "owner": .spec.replicas'
  expect(await apply({ replicas: 4 })).toEqual([409, conflict])
  const misnamed = (name: string) => `the name of the object (another) does not match the name on the URL (${name})`
  expect(await apply({ replicas: 3 })).toEqual([400, misnamed('named')])
  expect(await apply({}, `${deployments}/nobody`)).toEqual([400, misnamed('nobody')])
})

test('a configuration says its version and kind, and those of the path', async () => {
  const { apiVersion: _, ...rest } = deployment('versioned')
  const apply = async (body: object) => {
    const answer = await server.call('PATCH', `${deployments}/versioned?fieldManager=m`, body, type)
    return [answer.status, answer.body.message]
  }
  const wrong = (said: string) => [400, `invalid object type: ${said}`]
  expect(await apply(rest)).toEqual(wrong('/, Kind=Deployment'))
  expect(await apply({ ...rest, apiVersion: 5 })).toEqual(wrong('/, Kind=Deployment'))
  expect(await apply({ ...rest, apiVersion: 'apps/v1beta1' })).toEqual(wrong('apps/v1beta1, Kind=Deployment'))
  expect(await apply({ ...rest, apiVersion: 'apps/v1', kind: undefined })).toEqual(wrong('apps/v1, Kind='))
  expect(await apply({ ...rest, apiVersion: 'v1', kind: 'Pod' })).toEqual(wrong('/v1, Kind=Pod'))
  expect(await apply(Buffer.from('null'))).toEqual(wrong('/, Kind='))
  const noObject = 'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal'
  const into = 'into Go value of type map[string]interface {}'
  expect(await apply([])).toEqual([400, `${noObject} array ${into}`])
  expect(await apply(Buffer.from('x'))).toEqual([400, `${noObject} string ${into}`])
})

test('what looks like JSON but is none is read as the YAML that was promised', async () => {
  const text = '{apiVersion: v1, kind: ConfigMap, "metadata": {"name": "loose",}, "data": {"a": "b",},}'
  const url = '/api/v1/namespaces/default/configmaps/loose?fieldManager=me'
  expect(await server.call('PATCH', url, Buffer.from(text), type)).toMatchObject({
    status: 201,
    body: { data: { a: 'b' } },
  })
  const broken = await server.call('PATCH', url, Buffer.from('{"metadata": '), type)
  expect([broken.status, broken.body.reason]).toEqual([400, 'BadRequest'])
})

test('a status that is applied with the object itself is nobody’s, so that it can be applied by its own path', async () => {
  const url = '/api/v1/namespaces/default/pods/part'
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'part' } }
  const spec = { containers: [{ name: 'c', image: 'i' }] }
  const status = { conditions: [{ type: 'Mine', status: 'True' }] }
  await server.call('PATCH', `${url}?fieldManager=other`, { ...pod, spec }, type)
  const whole = await server.call('PATCH', `${url}?fieldManager=me`, { ...pod, status }, type)
  expect([whole.status, whole.body.status.conditions]).toEqual([200, undefined])
  expect(whole.body.metadata.managedFields.map((e: any) => e.manager)).toEqual(['other'])
  const part = await server.call('PATCH', `${url}/status?fieldManager=me`, { ...pod, status }, type)
  expect([part.status, part.body.status.conditions]).toMatchObject([200, status.conditions])
})

test('labels applied with the status of a deployment are neither taken, owned nor in conflict; annotations are', async () => {
  const url = `${deployments}/labelled`
  const { apiVersion, kind } = deployment('labelled')
  const owned = { ...deployment('labelled'), metadata: { name: 'labelled', labels: { of: 'owner' } } }
  await server.call('PATCH', `${url}?fieldManager=owner`, owned, type)
  const metadata = { name: 'labelled', labels: { of: 'another', s: '1' }, annotations: { x: 'y' } }
  const body = { apiVersion, kind, metadata, status: { replicas: 1 } }
  const answer = await server.call('PATCH', `${url}/status?fieldManager=me`, body, type)
  expect([answer.status, answer.body.metadata.labels, answer.body.metadata.annotations]).toEqual([
    200,
    { of: 'owner' },
    { x: 'y' },
  ])
  const mine = answer.body.metadata.managedFields.find((e: any) => e.manager === 'me')
  expect(mine.fieldsV1).toEqual({ 'f:metadata': { 'f:annotations': { 'f:x': {} } }, 'f:status': { 'f:replicas': {} } })
})

test('what an autoscaler always has stays when who applied it by one version leaves it out by another', async () => {
  const at = (version: string) =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/kept?fieldManager=me&force=true`
  const scaler = (version: string, spec: object) => ({
    apiVersion: `autoscaling/${version}`,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'kept' },
    spec,
  })
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }
  const all = { maxReplicas: 5, minReplicas: 2, scaleTargetRef }
  for (const [first, second] of [
    ['v1', 'v2'],
    ['v2', 'v1'],
  ] as const) {
    await server.call('PATCH', at(first), scaler(first, all), type)
    const { status, body } = await server.call('PATCH', at(second), scaler(second, { minReplicas: 1 }), type)
    expect([status, body.spec.maxReplicas, body.spec.minReplicas, body.spec.scaleTargetRef]).toEqual([
      200,
      5,
      1,
      scaleTargetRef,
    ])
    expect(body.metadata.managedFields).toMatchObject([
      { apiVersion: `autoscaling/${second}`, fieldsV1: { 'f:spec': { 'f:minReplicas': {} } } },
    ])
  }
})

test('who reads YAML gets errors as YAML, and who reads a scale that is not there misses the scale', async () => {
  const headers = { accept: 'application/yaml' }
  const answer = await server.call('GET', `${deployments}/nowhere/scale`, undefined, headers)
  expect(answer.status).toBe(404)
  expect(answer.headers['content-type']).toBe('application/yaml')
  expect(answer.body).toContain('message: deployments/scale.apps "nowhere" not found')
  expect(answer.body).toContain('kind: deployments/scale')
})

test('a negative generation is refused where the server has none of its own', async () => {
  const url = '/api/v1/namespaces/default/configmaps?dryRun=All'
  const create = (generation: number) => server.call('POST', url, { metadata: { name: 'aged', generation } })
  expect((await create(5)).status).toBe(201)
  const { status, body } = await create(-1)
  expect([status, body.message]).toEqual([
    422,
    'ConfigMap "aged" is invalid: metadata.generation: Invalid value: -1: must be greater than or equal to 0',
  ])
})

const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
})
const configMaps = '/api/v1/namespaces/default/configmaps'
const ofMerge = { 'content-type': 'application/merge-patch+json' }

test('what is applied once more later is not written: neither with nulls nor with parts that get their defaults again', async () => {
  const clock = new VirtualClock()
  await using server = await startTestServer({ clock })
  const twice = async (url: string, body: object) => {
    const first = await server.call('PATCH', `${url}?fieldManager=me`, body, type)
    await clock.advance(2_000)
    const second = await server.call('PATCH', `${url}?fieldManager=me`, body, type)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toEqual(first.body)
  }
  const nothing = { name: 'again', creationTimestamp: null, resourceVersion: null }
  await twice(`${configMaps}/again`, { ...configMap('again'), metadata: nothing, data: { a: 'b' } })
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } }
  await twice('/apis/apps/v1/namespaces/default/statefulsets/again', {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'again' },
    spec: {
      serviceName: 's',
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      volumeClaimTemplates: [{ metadata: { name: 'www' }, spec: claim }],
    },
  })
})

test('an object that is applied with a uid and is not there is a conflict', async () => {
  const body = { ...configMap('nobody'), metadata: { name: 'nobody', uid: 'u1' } }
  const refused = await server.call('PATCH', `${configMaps}/nobody?fieldManager=me`, body, type)
  expect([refused.status, refused.body.message]).toEqual([
    409,
    'Operation cannot be fulfilled on configmaps "nobody": uid mismatch: the provided object specified uid u1, and no existing object was found',
  ])
})

test('who may patch and not create brings nothing about by applying it', async () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch', 'get'] }]
  await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'patchers' }, rules })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'patchers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'patchers' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'panda' }],
  })
  const as = { ...type, 'impersonate-user': 'panda' }
  const refused = await server.call('PATCH', `${configMaps}/mine?fieldManager=me`, configMap('mine'), as)
  expect([refused.status, refused.body.message]).toEqual([
    403,
    'configmaps "mine" is forbidden: User "panda" cannot create resource "configmaps" in API group "" in the namespace "default"',
  ])
})

test('an update with an empty list of managers forgets them, and they stay forgotten', async () => {
  const url = `${configMaps}/forgotten`
  await server.call('PATCH', `${url}?fieldManager=me`, configMap('forgotten', { data: { a: 'b' } }), type)
  const body = { ...configMap('forgotten', { data: { a: 'b' } }), metadata: { name: 'forgotten', managedFields: [] } }
  expect((await server.call('PUT', url, body)).body.metadata.managedFields).toBeUndefined()
  const patched = await server.call('PATCH', url, { metadata: { labels: { a: 'b' } } }, ofMerge)
  expect(patched.body.metadata.managedFields).toBeUndefined()
})

test('an applier that says false or null owns the field, and conflicts with who says otherwise', async () => {
  const node = (spec: object) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'said' }, spec })
  const url = '/api/v1/nodes/said'
  await server.call('PATCH', `${url}?fieldManager=a`, node({ unschedulable: true }), type)
  const refused = await server.call('PATCH', `${url}?fieldManager=b`, node({ unschedulable: false }), type)
  expect([refused.status, refused.body.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "a": .spec.unschedulable',
  ])
  const none = await server.call('PATCH', `${url}?fieldManager=b`, node({ providerID: null }), type)
  const mine = none.body.metadata.managedFields.find((e: any) => e.manager === 'b')
  expect(mine.fieldsV1).toEqual({ 'f:spec': { 'f:providerID': {} } })
})

test('an element that its applier no longer names goes, with what others have set in it', async () => {
  const url = `${deployments}/elements`
  const { body } = await server.call('PATCH', `${url}?fieldManager=me`, deployment('elements'), type)
  body.spec.template.spec.containers[0].workingDir = '/home'
  await server.call('PUT', `${url}?fieldManager=controller`, body)
  const spec = { containers: [{ name: 'other', image: 'i' }] }
  const next = deployment('elements', { template: { metadata: { labels: { a: 'b' } }, spec } })
  const applied = await server.call('PATCH', `${url}?fieldManager=me`, next, type)
  expect([applied.status, applied.body.spec?.template.spec.containers.map((c: any) => c.name)]).toEqual([
    200,
    ['other'],
  ])
})

test('the claim of a volume is owned field by field', async () => {
  const url = '/api/v1/persistentvolumes/owned'
  const volume = (claimRef: object) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'owned' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, claimRef },
  })
  await server.call('PATCH', `${url}?fieldManager=a`, volume({ name: 'c', namespace: 'default' }), type)
  await server.call('PATCH', url, { spec: { claimRef: { uid: 'u1' } } }, ofMerge)
  const again = await server.call('PATCH', `${url}?fieldManager=a`, volume({ name: 'c', namespace: 'default' }), type)
  expect([again.status, again.body.spec?.claimRef]).toEqual([200, { name: 'c', namespace: 'default', uid: 'u1' }])
})

test("the generation of a DaemonSet's template is owned by who wrote the set without it", async () => {
  const url = '/apis/apps/v1/namespaces/default/daemonsets'
  const { spec } = deployment('d')
  const set = { metadata: { name: 'generations' }, spec }
  const name = 'deprecated.daemonset.template.generation'
  const look = ({ body }: { body: any }) => [
    body.metadata.annotations[name],
    body.metadata.managedFields
      .filter((e: any) => e.fieldsV1['f:metadata']?.['f:annotations']?.[`f:${name}`])
      .map((e: any) => e.manager),
  ]
  const made = await server.call('POST', `${url}?fieldManager=maker`, set)
  expect(look(made)).toEqual(['1', ['maker']])
  made.body.spec.template.spec.containers[0].image = 'j'
  const grown = await server.call('PUT', `${url}/generations?fieldManager=grower`, made.body)
  expect(look(grown)).toEqual(['2', ['maker']])
  expect(look(await server.call('PUT', `${url}/generations?fieldManager=other`, set))).toEqual(['3', ['other']])
})

test('elements of keyed lists that say no name have the one that the documents call the default', async () => {
  const url = '/api/v1/namespaces/default/serviceaccounts/unnamed?fieldManager=a'
  const spec = (imagePullSecrets: object[]) =>
    deployment('pulling', {
      template: {
        metadata: { labels: { a: 'b' } },
        spec: { containers: [{ name: 'c', image: 'i' }], imagePullSecrets },
      },
    })
  const made = await server.call('PATCH', `${deployments}/pulling?fieldManager=a`, spec([{}, { name: 'x' }]), type)
  expect([made.status, made.body.spec.template.spec.imagePullSecrets]).toEqual([201, [{}, { name: 'x' }]])
  const { fieldsV1 } = made.body.metadata.managedFields[0]
  expect(Object.keys(fieldsV1['f:spec']['f:template']['f:spec']['f:imagePullSecrets'])).toEqual([
    'k:{"name":""}',
    'k:{"name":"x"}',
  ])
  const twice = await server.call('PATCH', `${deployments}/pulling?fieldManager=a`, spec([{}, { name: '' }]), type)
  expect([twice.status, twice.body.message]).toEqual([
    500,
    expect.stringContaining('duplicate entries for key [name=""]'),
  ])
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'unnamed' }, secrets: [{}] }
  expect((await server.call('PATCH', url, account, type)).body.message).toContain('omits key field "name"')
})

test('what kubectl applies is written down as it sent it, members in order, for its form on the client’s side', async () => {
  const name = 'kubectl.kubernetes.io/last-applied-configuration'
  const url = '/api/v1/namespaces/default/configmaps'
  const map = (data: object) => ({ kind: 'ConfigMap', data, metadata: { name: 'noted' }, apiVersion: 'v1' })
  await server.call('POST', url, { ...map({ a: '1' }), metadata: { name: 'noted', annotations: { [name]: '{}' } } })
  const applied = await server.call(
    'PATCH',
    `${url}/noted?fieldManager=kubectl&force=true`,
    map({ b: '2', a: '1' }),
    type,
  )
  expect(applied.body.metadata.annotations[name]).toBe(
    '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"name":"noted"}}\n',
  )
})

test('conflicts are listed by manager, whoever was first', async () => {
  const url = '/api/v1/namespaces/default/configmaps/contested'
  const map = (value: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'contested' },
    data: { k: value },
  })
  for (const who of ['z', 'b']) await server.call('PATCH', `${url}?fieldManager=${who}`, map('1'), type)
  const { status, body } = await server.call('PATCH', `${url}?fieldManager=c`, map('2'), type)
  expect([status, body.message]).toEqual([
    409,
    'Apply failed with 2 conflicts: conflicts with "b":\n- .data.k\nconflicts with "z":\n- .data.k',
  ])
  const linked = await server.call(
    'PATCH',
    url,
    { metadata: { selfLink: '/x' } },
    { 'content-type': 'application/merge-patch+json' },
  )
  expect(linked.body.metadata.selfLink).toBeUndefined()
})

test('who applies a Scale hears of others in its version and by its field', async () => {
  await server.call('POST', `${deployments}?fieldManager=maker`, deployment('rescaled', { replicas: 2 }))
  const { status, body } = await server.call(
    'PATCH',
    `${deployments}/rescaled/scale?fieldManager=hpa`,
    scale('rescaled', 5),
    type,
  )
  expect([status, body.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "maker" using autoscaling/v1: .spec.replicas',
  ])
})

test.each<[string, string, string, object, string]>([
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    'rbac.authorization.k8s.io/v1',
    'ClusterRole',
    { rules: [] },
    '.rules',
  ],
  ['/apis/storage.k8s.io/v1/csinodes', 'storage.k8s.io/v1', 'CSINode', { spec: { drivers: [] } }, '.spec.drivers'],
  ['/api/v1/namespaces/default/limitranges', 'v1', 'LimitRange', { spec: { limits: [] } }, '.spec.limits'],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [] },
    '.ports',
  ],
])('an empty list that is kept as null has an owner: %s', async (url, apiVersion, kind, contents, field) => {
  const object = { apiVersion, kind, metadata: { name: 'emptied' }, ...contents }
  const owned = async () => {
    const { metadata, ...rest } = (await server.call('GET', `${url}/emptied`)).body
    const value = field
      .slice(1)
      .split('.')
      .reduce((part: any, name) => part[name], rest)
    const path = field
      .slice(1)
      .split('.')
      .map(name => `f:${name}`)
    const owns = (e: any) => path.reduce((part: any, name) => part?.[name], e.fieldsV1) !== undefined
    return [value, ...(metadata.managedFields ?? []).filter(owns).map((e: any) => e.manager)]
  }
  await server.call('POST', `${url}?fieldManager=creator`, object)
  expect(await owned()).toEqual([null, 'creator'])
  // Kept is null: whoever says "empty" again says something else, and takes it, or may not.
  const applied = await server.call('PATCH', `${url}/emptied?fieldManager=other`, object, type)
  expect([applied.status, applied.body.message]).toEqual([
    409,
    expect.stringContaining(`with "creator" using ${apiVersion}:`),
  ])
  expect(applied.body.message).toContain(field)
  await server.call('PATCH', `${url}/emptied`, { metadata: { labels: { a: 'b' } } }, merge)
  expect(await owned()).toEqual([null, 'creator'])
  const { resourceVersion } = (await server.call('GET', `${url}/emptied`)).body.metadata
  const again = { ...object, metadata: { ...object.metadata, resourceVersion } }
  await server.call('PUT', `${url}/emptied?fieldManager=third`, again)
  expect(await owned()).toEqual([null, 'third'])
})
const merge = { 'content-type': 'application/merge-patch+json' }

test('who says that a list is empty which another has applied as null is in conflict with him', async () => {
  const url = '/api/v1/namespaces/default/configmaps/finalized'
  const map = (finalizers: unknown) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'finalized', finalizers },
  })
  await server.call('PATCH', `${url}?fieldManager=first`, map(null), type)
  const { status, body } = await server.call('PATCH', `${url}?fieldManager=second`, map([]), type)
  expect([status, body.message]).toEqual([
    409,
    'Apply failed with 1 conflict: conflict with "first": .metadata.finalizers',
  ])
})

test('nobody owns what a certificate is asked for: it stays, whoever applies something else', async () => {
  const url = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  const identity = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' }
  const { request: pem } = await createSigningRequest({ commonName: 'who' })
  const encoded = Buffer.from(pem).toString('base64')
  const spec = { request: encoded, signerName: 'example.com/s', usages: ['client auth'] }
  const request = { ...identity, metadata: { name: 'asked' }, spec }
  const created = await server.call('PATCH', `${url}/asked?fieldManager=one`, request, type)
  expect([created.status, created.body.metadata.managedFields]).toEqual([201, undefined])
  const other = { ...request, metadata: { name: 'asked', labels: { a: 'b' } }, spec: { ...request.spec, uid: 'u' } }
  const { status, body } = await server.call('PATCH', `${url}/asked?fieldManager=two`, other, type)
  expect([status, body.spec]).toEqual([200, created.body.spec])
  expect(body.metadata.managedFields.map((m: any) => [m.manager, m.fieldsV1])).toEqual([
    ['two', { 'f:metadata': { 'f:labels': { 'f:a': {} } } }],
  ])
  const posted = await server.call('POST', `${url}?fieldManager=three`, { ...request, metadata: { name: 'posted' } })
  expect(posted.body.metadata.managedFields).toBeUndefined()
})
