import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UserInfo } from '../../models/rest.ts'
import type { PolicyRule } from '../../models/types/rbac-v1.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import type { Attributes } from './authorizer.ts'
import { ruleAllows, rulesCover } from './rbac/rules.ts'

// RBAC against an oracle that spells every rule out: it lists all single actions of a small world that a rule grants.

const verbs = ['get', 'create', 'impersonate']
const groups = ['', 'apps']
const plurals = ['pods', 'deployments']
const subresources = ['', 'status', 'scale']
const names = ['', 'a', 'b']
const paths = ['/healthz', '/metrics', '/metrics/x', '/api']

type Action = { verb: string; path: string; resource?: NonNullable<Attributes['resource']> }
const resourceActions: Action[] = verbs.flatMap(verb =>
  groups.flatMap(group =>
    plurals.flatMap(plural =>
      subresources.flatMap(subresource =>
        names.map(name => ({
          verb,
          path: '',
          resource: { group, version: 'v1', plural, subresource, namespace: 'n', name },
        })),
      ),
    ),
  ),
)
const pathActions: Action[] = verbs.flatMap(verb => paths.map(path => ({ verb, path })))
const everything = [...resourceActions, ...pathActions]

function oracleAllows(rule: PolicyRule, { verb, path, resource }: Action): boolean {
  const any = (list: string[] | undefined, ...values: string[]) => ['*', ...values].some(v => list?.includes(v))
  if (!any(rule.verbs, verb)) return false
  if (!resource) {
    for (const url of rule.nonResourceURLs ?? []) {
      if (url === path || url === '*') return true
      if (url.endsWith('*') && path.substring(0, url.length - 1) === url.substring(0, url.length - 1)) return true
    }
    return false
  }
  const whole = resource.subresource === '' ? resource.plural : `${resource.plural}/${resource.subresource}`
  const wild = resource.subresource === '' ? whole : `*/${resource.subresource}`
  if (!any(rule.apiGroups, resource.group) || !any(rule.resources, whole, wild)) return false
  return (rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(resource.name)
}

const some = <T>(values: readonly T[], minLength = 1) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength, maxLength: 3 })
const resourceRule = fc.record({
  verbs: some([...verbs, '*']),
  apiGroups: some([...groups, '*']),
  resources: some(['pods', 'pods/status', 'deployments', 'deployments/scale', '*/scale', '*/status', '*', 'nodes']),
  resourceNames: some(['a', 'b'], 0),
})
const pathRule = fc.record({
  verbs: some([...verbs, '*']),
  nonResourceURLs: some(['/healthz', '/metrics', '/metrics/*', '*', '/a*']),
})
const rules = fc.array(fc.oneof(resourceRule, pathRule) as fc.Arbitrary<PolicyRule>, { maxLength: 4 })
const asked = (action: Action): Attributes => ({ user: { username: 'u', groups: [] }, ...action })

test('a rule allows exactly what the oracle says', () => {
  fc.assert(
    fc.property(rules, list => {
      for (const rule of list)
        for (const action of everything) expect(ruleAllows(rule, asked(action))).toBe(oracleAllows(rule, action))
    }),
    { numRuns: 100 },
  )
})

test('nobody passes on a right that he does not have', () => {
  fc.assert(
    fc.property(rules, rules, (owned, wanted) => {
      for (const rule of wanted) {
        if (!rulesCover(owned, rule)) continue
        // Rights beyond this small world are covered too; of those in it none may be new.
        for (const action of everything)
          if (oracleAllows(rule, action)) expect(owned.some(own => oracleAllows(own, action))).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what somebody has, he may pass on as it is', () => {
  fc.assert(fc.property(rules, owned => owned.every(rule => rulesCover(owned, rule))))
})

// The Node authorizer against a table: everything of the world that one node may do. All else is refused.

const node: UserInfo = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
const api = '/api/v1'
const here = '/api/v1/namespaces/default'
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  const pod = (name: string, nodeName: string) => ({
    metadata: { name },
    spec: {
      nodeName,
      serviceAccountName: `account-${nodeName}`,
      containers: [{ name: 'c', image: 'i', envFrom: [{ configMapRef: { name: `map-${nodeName}` } }] }],
      volumes: [
        { name: 's', secret: { secretName: `secret-${nodeName}` } },
        { name: 'p', persistentVolumeClaim: { claimName: `claim-${nodeName}` } },
      ],
    },
  })
  for (const name of ['n1', 'n2']) {
    await server.call('POST', `${api}/nodes`, { metadata: { name } })
    await server.call('POST', `${here}/serviceaccounts`, { metadata: { name: `account-${name}` } })
    const made = await server.call('POST', `${here}/pods`, pod(`pod-${name}`, name))
    expect(made.status).toBe(201)
    await server.call('POST', `${api}/persistentvolumes`, {
      metadata: { name: `volume-${name}` },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/x' } },
        claimRef: { namespace: 'default', name: `claim-${name}` },
      },
    })
  }
})
afterAll(() => server[Symbol.asyncDispose]())

const mine: [resource: string, name: string, verbs: string][] = [
  ['/secrets', 'secret-n1', 'get list watch'],
  ['/configmaps', 'map-n1', 'get list watch'],
  ['/persistentvolumeclaims', 'claim-n1', 'get'],
  ['/persistentvolumeclaims/status', 'claim-n1', 'get update patch'],
  ['/persistentvolumes', 'volume-n1', 'get'],
  ['/serviceaccounts', 'account-n1', 'get'],
  ['/serviceaccounts/token', 'account-n1', 'create'],
  ['/pods', 'pod-n1', 'get list watch create delete'],
  ['/pods/status', 'pod-n1', 'get update patch'],
  ['/pods/eviction', 'pod-n1', 'create'],
  ['/pods', 'pod-n2', 'create'],
  ['/nodes', 'n1', 'get list watch create update patch'],
  ['/nodes/status', 'n1', 'update patch'],
  ['/nodes', 'n2', 'get list watch create'],
  ['storage.k8s.io/csinodes', 'n1', 'create get update patch delete'],
  ['storage.k8s.io/csinodes', 'n2', 'create'],
  ['/services', 'x', 'get list watch'],
  ['/events', 'x', 'create update patch'],
]
const asks = 'get list watch create update patch delete deletecollection escalate bind impersonate'.split(' ')
const objects = ['secret', 'map', 'claim', 'volume', 'account', 'pod'].flatMap(o => [`${o}-n1`, `${o}-n2`])

test('a node may do what its own pods need and nothing else: every verb on every object of a small world', async () => {
  const resources = [...new Set(mine.map(([resource]) => resource)), '/pods/exec', '/nodes/proxy', '/secrets/x']
  const wrong: string[] = []
  let asked = 0
  for (const what of resources)
    for (const name of ['n1', 'n2', 'x', ...objects])
      for (const verb of asks) {
        const [group, resource, subresource] = what.split('/')
        const cluster = /^\/(nodes|persistentvolumes)(\/|$)|csinodes/.test(what)
        const expected = mine.some(
          // What any node may read or make does not depend on the name.
          ([r, n, v]) => r === what && (n === name || ['x', 'n2', 'pod-n2'].includes(n)) && v.split(' ').includes(verb),
        )
        const resourceAttributes = { group, resource, subresource, verb, name, namespace: cluster ? '' : 'default' }
        const { body } = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          spec: { user: node.username, groups: node.groups, resourceAttributes },
        })
        asked++
        if (body.status.allowed !== expected) wrong.push(`${verb} ${what} ${name}: ${body.status.allowed}`)
      }
  expect(asked).toBeGreaterThan(2_000)
  expect(wrong).toEqual([])
})

test('questions say what is wrong with them, and selectors count', async () => {
  const review = (spec: object) => server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec })
  const pods = { verb: 'list', resource: 'pods' }
  const asNode = { user: node.username, groups: node.groups }
  const requirements = [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }]
  const selected = { ...asNode, resourceAttributes: { ...pods, fieldSelector: { requirements } } }
  expect((await review(selected)).body.status.allowed).toBe(true)
  expect((await review({ ...asNode, resourceAttributes: pods })).body.status.allowed).toBe(false)
  const broken = { ...asNode, resourceAttributes: { ...pods, fieldSelector: { rawSelector: 'nonsense' } } }
  expect((await review(broken)).body.status).toMatchObject({
    allowed: false,
    evaluationError: 'spec.resourceAttributes.fieldSelector ignored due to parse error',
  })
  expect((await review({ resourceAttributes: pods })).body.message).toMatch(
    /spec.user: Invalid value: "": at least one of user or group must be specified/,
  )
  expect((await review(asNode)).body.message).toMatch(
    /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
  )
})
