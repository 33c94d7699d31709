import { describe, expect, onTestFinished, test } from 'vitest'
import { cronTab } from '../../custom/testing/cron-tab.ts'
import { define } from '../../custom/testing/define.ts'
import { startTestServer } from '../../testing/test-server.ts'

const group = '/apis/admissionregistration.k8s.io/v1alpha1'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const maps = '/api/v1/namespaces/default/configmaps'

async function setUp() {
  const server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const ok = async (url: string, body: object) => {
    const made = await server.call('POST', url, body)
    expect(made.status, made.body.message).toBe(201)
    return made.body
  }
  /** A policy of the name, and a binding of it. */
  const bound = async (
    name: string,
    resource: string,
    mutations: object[],
    spec: object = {},
    binding: object = {},
  ) => {
    const rules = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }]
    const matchConstraints = { resourceRules: rules }
    const policy = { matchConstraints, mutations, reinvocationPolicy: 'Never', ...spec }
    await ok(`${group}/mutatingadmissionpolicies`, { metadata: { name }, spec: policy })
    const metadata = { name: `${name}-bound` }
    await ok(`${group}/mutatingadmissionpolicybindings`, { metadata, spec: { policyName: name, ...binding } })
  }
  const map = (name: string, data: object) => server.call('POST', maps, { metadata: { name }, data })
  return { server, ok, bound, map }
}

const applied = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
const patched = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
const deployment = (name: string) => ({
  metadata: { name },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
})

describe('a mutating policy', () => {
  test('merges what it builds as server-side apply would, and defaults are filled in', async () => {
    const { server, bound, ok } = await setUp()
    const sidecar = `Object.spec.template.spec.initContainers{name: "mesh", image: "mesh:1", restartPolicy: "Always"}`
    await bound(
      'mesh',
      'deployments',
      [
        applied(`Object{
        metadata: Object.metadata{labels: {"mesh": object.metadata.name}},
        spec: Object.spec{
          replicas: variables.most,
          template: Object.spec.template{spec: Object.spec.template.spec{
            initContainers: [${sidecar}],
            containers: [Object.spec.template.spec.containers{name: "c", imagePullPolicy: "Always"}]
          }}
        }
      }`),
      ],
      { variables: [{ name: 'most', expression: 'object.spec.replicas + 2' }] },
    )
    const { metadata, spec } = await ok(deployments, deployment('a'))
    expect([metadata.labels, spec.replicas]).toEqual([{ mesh: 'a' }, 3])
    const { containers, initContainers } = spec.template.spec
    expect(containers).toMatchObject([{ name: 'c', image: 'i', imagePullPolicy: 'Always' }])
    expect(initContainers).toMatchObject([
      { name: 'mesh', image: 'mesh:1', restartPolicy: 'Always', terminationMessagePolicy: 'File' },
    ])
    expect((await server.call('GET', `${deployments}/a`)).body.spec).toEqual(spec)
  })

  test('applies operations, escaped keys and built objects among them; a test that fails leaves all as it was', async () => {
    const { bound, map, ok } = await setUp()
    await bound('p', 'configmaps', [
      patched(`[
        JSONPatch{op: "add", path: "/metadata/labels", value: {"example.com/x": "1"}},
        JSONPatch{op: "replace", path: "/metadata/labels/" + "example.com/x".replace("/", "~1"), value: "2"},
        JSONPatch{op: "copy", from: "/data/a", path: "/data/b"}
      ]`),
      patched(`[JSONPatch{op: "test", path: "/data/a", value: "other"}, JSONPatch{op: "remove", path: "/data/a"}]`),
      patched(`object.data.b == "1" ? [JSONPatch{op: "add", path: "/data/c", value: "seen"}] : []`),
    ])
    const { body } = await map('m', { a: '1' })
    expect([body.metadata.labels, body.data]).toEqual([{ 'example.com/x': '2' }, { a: '1', b: '1', c: 'seen' }])
    await bound('more', 'deployments', [
      patched(`[JSONPatch{
        op: "add", path: "/spec/template/spec/containers/-",
        value: Object.spec.template.spec.containers{name: "d", image: object.spec.template.spec.containers[0].image}
      }]`),
    ])
    const { spec } = await ok(deployments, deployment('a'))
    expect(spec.template.spec.containers).toMatchObject([{ name: 'c' }, { name: 'd', image: 'i' }])
  })

  test('is asked where its conditions and its binding say so, with the parameters of the binding', async () => {
    const { server, bound, map, ok } = await setUp()
    await ok('/api/v1/namespaces', { metadata: { name: 'params' } })
    await ok('/api/v1/namespaces/params/configmaps', { metadata: { name: 'p' }, data: { team: 'blue' } })
    await bound(
      'team',
      'configmaps',
      [applied('Object{data: {"team": params.data.team, "who": request.userInfo.username}}')],
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConditions: [{ name: 'named', expression: "object.metadata.name.startsWith('t')" }],
      },
      {
        paramRef: { name: 'p', namespace: 'params', parameterNotFoundAction: 'Deny' },
        matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } },
      },
    )
    expect((await map('t1', { a: 'b' })).body.data).toEqual({ a: 'b', team: 'blue', who: 'admin' })
    expect((await map('u1', { a: 'b' })).body.data).toEqual({ a: 'b' })
    const elsewhere = await ok('/api/v1/namespaces/params/configmaps', { metadata: { name: 't1' }, data: { a: 'b' } })
    expect(elsewhere.data).toEqual({ a: 'b' })
    await server.call('DELETE', '/api/v1/namespaces/params/configmaps/p')
    expect((await map('t2', {})).body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: expect.stringMatching(/^policy 'team' with binding 'team-bound' denied request: failed to configure/),
    })
  })

  test('sees what others change after it, if it wants to: once more, whatever those do then', async () => {
    const { bound, map } = await setUp()
    const add = (key: string, value: string) => patched(`[JSONPatch{op: "add", path: "/data/${key}", value: ${value}}]`)
    await bound('a', 'configmaps', [add('a', '"c" in object.data ? "late" : "early"')], {
      reinvocationPolicy: 'IfNeeded',
    })
    await bound('b', 'configmaps', [add('b', '"b" in object.data ? "twice" : "once"')])
    await bound('c', 'configmaps', [add('c', '"x"')])
    expect((await map('m', { start: 'y' })).body.data).toEqual({ a: 'late', b: 'once', c: 'x', start: 'y' })
  })

  test('that fails refuses, or lets pass where it fails open', async () => {
    const { server, bound, map } = await setUp()
    const mutation = [applied('Object{data: {"x": object.data.missing}}')]
    await bound('closed', 'configmaps', mutation)
    const message =
      "policy 'closed' with binding 'closed-bound' denied request: expression 'Object{data: {\"x\": object.data.missing}}' resulted in error: no such key: missing"
    expect((await map('m', { a: 'b' })).body).toMatchObject({
      ...{ code: 403, reason: 'Invalid', message },
      details: { name: 'm', kind: 'configmaps', causes: [{ message }] },
    })
    await server.call('DELETE', `${group}/mutatingadmissionpolicies/closed`)
    await bound('open', 'configmaps', mutation, { failurePolicy: 'Ignore' })
    expect((await map('m', { a: 'b' })).body.data).toEqual({ a: 'b' })
  })

  test.each([
    [
      'what may only be set as a whole',
      applied('Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {"x": "y"}}}}'),
      'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector',
    ],
    [
      'an object in the wrong place',
      applied('Object{spec: Object.specx{replicas: 1}}'),
      'type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type',
    ],
    [
      'a field that there is not',
      applied('Object{spec: Object.spec{replicasx: 1}}'),
      'error applying patch: failed to convert patch object to typed object: .spec.replicasx: field not declared in schema',
    ],
    [
      'an operation that does not apply',
      patched('[JSONPatch{op: "replace", path: "/spec/template/spec/containers/-", value: {"name": "x"}}]'),
      'JSON Patch: replace operation does not apply: doc is missing key: /spec/template/spec/containers/-: missing value',
    ],
    [
      'an operation that makes no such object',
      patched('[JSONPatch{op: "add", path: "/spec/replicasx", value: 1}]'),
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicasx"',
    ],
  ])('is told of %s', async (_, mutation, why) => {
    const { server, bound } = await setUp()
    await bound('p', 'deployments', [mutation])
    const { body } = await server.call('POST', deployments, deployment('a'))
    expect(body.message).toBe(`policy 'p' with binding 'p-bound' denied request: ${why}`)
  })

  test('is refused when it is written, for what cannot be right', async () => {
    const { server } = await setUp()
    const refused = async (spec: object) => {
      const { body } = await server.call('POST', `${group}/mutatingadmissionpolicies`, {
        metadata: { name: 'p' },
        spec,
      })
      return body.details?.causes?.map((c: any) => `${c.field}: ${c.message.split('\n')[0]}`)
    }
    expect(await refused({ matchConstraints: {}, mutations: [{ patchType: 'JSONPatch' }] })).toEqual([
      'spec.matchConstraints.resourceRules: Required value',
      'spec.reinvocationPolicy: Required value',
      'spec.mutations[0].jsonPatch: Required value',
    ])
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }]
    const spec = { matchConstraints: { resourceRules: rules }, reinvocationPolicy: 'Never' }
    expect(await refused(spec)).toEqual(['spec.mutations: Required value: mutations must contain at least one item'])
    const mutations = [applied('"teapot"'), patched('[1]'), { ...patched('[]'), patchType: 'Other' }]
    expect(await refused({ ...spec, mutations })).toEqual([
      'spec.mutations[0].applyConfiguration.expression: Invalid value: "\\"teapot\\"": must evaluate to Object but got string',
      'spec.mutations[1].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got list(int)',
      'spec.mutations[2].patchType: Unsupported value: "Other": supported values: "ApplyConfiguration", "JSONPatch"',
    ])
  })

  test('is not asked about policies, nor about what is deleted', async () => {
    const { server, bound, map } = await setUp()
    await map('m', {})
    await bound('all', '*/*', [applied('Object{metadata: Object.metadata{labels: {"all": "yes"}}}')])
    const { body } = await server.call('GET', `${group}/mutatingadmissionpolicies/all`)
    const touched = await server.call('PUT', `${group}/mutatingadmissionpolicies/all`, body)
    expect(touched.body.metadata.labels).toBeUndefined()
    expect((await server.call('DELETE', `${maps}/m`)).status).toBe(200)
    expect((await map('n', {})).body.metadata.labels).toEqual({ all: 'yes' })
  })
})

test('policies of both kinds see a custom resource in the version that their rules name, converted', async () => {
  const { server, ok, bound } = await setUp()
  const text = { type: 'string' }
  const schema = (properties: object) => ({
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
  })
  await define(
    server,
    cronTab((made: any) => {
      made.metadata.name = 'crontabs.v.example.com'
      made.spec.group = 'v.example.com'
      made.spec.versions = [
        { name: 'v1', served: true, storage: true, schema: schema({ old: text, both: text }) },
        { name: 'v2', served: true, storage: false, schema: schema({ now: text, both: text }) },
      ]
    }),
  )
  const rules = [
    { apiGroups: ['v.example.com'], apiVersions: ['v2'], operations: ['CREATE', 'UPDATE'], resources: ['crontabs'] },
  ]
  const matchConstraints = { resourceRules: rules }
  await bound(
    'm',
    'crontabs',
    [applied('Object{spec: Object.spec{both: object.spec.both + " by " + object.apiVersion}}')],
    { matchConstraints },
  )
  const validating = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic'
  const validations = [
    { expression: "object.apiVersion == 'v.example.com/v2' && object.spec.both != 'no by v.example.com/v2'" },
  ]
  await ok(`${validating}ies`, { metadata: { name: 'v' }, spec: { matchConstraints, validations } })
  const spec = { policyName: 'v', validationActions: ['Deny'] }
  await ok(`${validating}ybindings`, { metadata: { name: 'v' }, spec })
  const tabs = '/apis/v.example.com/v1/namespaces/default/crontabs'
  const tab = (name: string, both: string) => ({
    ...{ apiVersion: 'v.example.com/v1', kind: 'CronTab', metadata: { name }, spec: { both } },
  })
  expect((await ok(tabs, tab('a', 'yes'))).spec).toEqual({ both: 'yes by v.example.com/v2' })
  expect((await server.call('POST', tabs, tab('b', 'no'))).body.message).toContain(
    "'v' with binding 'v' denied request",
  )
})
