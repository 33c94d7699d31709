import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Admission } from '../apiserver/index.ts'
import { startTestServer, type TestServer } from '../apiserver/testing/test-server.ts'
import { calicoResources } from './calico-admission.ts'

const group = 'crd.projectcalico.org'
const definition = (kind: string, plural: string, scope: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope,
    names: { kind, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
})

let server: TestServer
const pools = `/apis/${group}/v1/ippools`
const policies = `/apis/${group}/v1/namespaces/default/networkpolicies`
const made = (kind: string, name: string, spec?: object) => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name },
  ...(spec ? { spec } : {}),
})

beforeAll(async () => {
  server = await startTestServer({ admission: [calicoResources] })
  const definitions = [
    definition('IPPool', 'ippools', 'Cluster'),
    definition('NetworkPolicy', 'networkpolicies', 'Namespaced'),
    definition('IPAMHandle', 'ipamhandles', 'Cluster'),
  ]
  for (const each of definitions)
    await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', each)
  await server.call('POST', pools, made('IPPool', 'first', { cidr: '10.240.0.0/16' }))
})
afterAll(() => server[Symbol.asyncDispose]())

test('a pool that overlaps another is refused, whoever writes it, with the field and the other pool', async () => {
  const { status, body } = await server.call('POST', pools, made('IPPool', 'second', { cidr: '10.240.8.0/24' }))
  expect([status, body.reason, body.message]).toEqual([
    422,
    'Invalid',
    'IPPool.crd.projectcalico.org "second" is invalid: spec.cidr: Invalid value: "10.240.8.0/24": 10.240.8.0/24 overlaps pool first, 10.240.0.0/16',
  ])
  expect(body.details.causes[0].field).toBe('spec.cidr')
  expect((await server.call('GET', `${pools}/second`)).status).toBe(404)
})

test('a selector that is none is refused in a policy, at its rule', async () => {
  const policy = made('NetworkPolicy', 'default.web', {
    selector: 'all()',
    ingress: [{ action: 'Allow', source: { selector: 'app = 1' } }],
  })
  const { body } = await server.call('POST', policies, policy)
  expect(body.details.causes[0]).toMatchObject({
    field: 'spec.ingress[0].source.selector',
    message: expect.stringMatching(/^Invalid value: "app = 1": /),
  })
})

test('a change is held to the rules, and what was wrong before may stay', async () => {
  const { body } = await server.call('GET', `${pools}/first`)
  const worse = { ...body, spec: { cidr: '10.240.0.0/16', blockSize: 40 } }
  expect((await server.call('PUT', `${pools}/first`, worse)).body.message).toContain('40 is not between 20 and 32')
  const better = { ...body, spec: { cidr: '10.240.0.0/16', natOutgoing: true } }
  expect((await server.call('PUT', `${pools}/first`, better)).status).toBe(200)

  const update = (previous: object, object: object) => () =>
    calicoResources.validate!({
      core: { cache: { bucket: () => ({ list: () => [] }) } },
      resource: { kind: { group, kind: 'IPPool', plural: 'ippools' } },
      name: 'old',
      previous,
      object,
    } as unknown as Admission)
  const old = made('IPPool', 'old', { cidr: '10.250.0.1/16' })
  expect(update(old, { ...old, spec: { cidr: '10.250.0.1/16', disabled: true } })).not.toThrow()
  expect(update(old, { ...old, spec: { cidr: '10.250.0.1/16', blockSize: 40 } })).toThrow('40 is not between')
  const leaving = { ...old, metadata: { name: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' } }
  expect(update(made('IPPool', 'old', {}), leaving)).not.toThrow()
})

test('what is no pool at all is refused as such, and kinds that nobody checks pass', async () => {
  expect((await server.call('POST', pools, made('IPPool', 'empty'))).body.message).toContain('is not a network')
  const handle = made('IPAMHandle', 'k8s.web', { handleID: 'k8s.web', block: {} })
  expect((await server.call('POST', `/apis/${group}/v1/ipamhandles`, handle)).status).toBe(201)
})
