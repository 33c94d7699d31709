import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestServer } from '../../testing/test-server.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const api = { apiVersion: 'admissionregistration.k8s.io/v1' }
const rule = (...resources: string[]) => ({
  resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources }],
})

async function setUp() {
  const server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const policy = (name: string, spec: object) =>
    server.call('POST', `${group}/validatingadmissionpolicies`, {
      ...api,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { matchConstraints: rule('configmaps'), ...spec },
    })
  const binding = (name: string, policyName: string, spec: object = {}) =>
    server.call('POST', `${group}/validatingadmissionpolicybindings`, {
      ...api,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName, validationActions: ['Deny'], ...spec },
    })
  const map = (name: string, data: object, more: object = {}) =>
    server.call('POST', '/api/v1/namespaces/default/configmaps', {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', data },
      metadata: { name, ...more },
    })
  return { server, policy, binding, map }
}

/** A policy named p with a binding b. */
async function setUpWith(spec: object, bindingSpec: object = {}) {
  const set = await setUp()
  const created = await set.policy('p', spec)
  expect(created.body.message).toBeUndefined()
  const bound = await set.binding('b', 'p', bindingSpec)
  expect(bound.body.message).toBeUndefined()
  return set
}

describe('a policy', () => {
  test('refuses what its expressions do not hold for, in the words of its message', async () => {
    const { map, server } = await setUpWith({
      validations: [
        { expression: "object.data.size == 'small'", message: 'only small ones', reason: 'Forbidden' },
        { expression: 'true' },
      ],
    })
    expect((await map('a', { size: 'small' })).status).toBe(201)
    const text = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: only small ones"
    const refused = await map('b', { size: 'large' })
    expect(refused.body).toMatchObject({
      ...{ code: 403, reason: 'Forbidden', message: `configmaps "b" is forbidden: ${text}` },
      details: { name: 'b', kind: 'configmaps', causes: [{ message: text }] },
    })
    const patched = await server.call(
      'PATCH',
      '/api/v1/namespaces/default/configmaps/a',
      { data: { size: 'large' } },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect(patched.status).toBe(403)
  })

  test('says itself what failed, when nobody gave it words', async () => {
    const { map } = await setUpWith({
      validations: [{ expression: "object.data.size == 'small'", messageExpression: "'not ' + object.data.size" }],
    })
    expect((await map('a', { size: 'large' })).body).toMatchObject({ code: 422, reason: 'Invalid' })
    expect((await map('a', { size: 'large' })).body.message).toMatch(/denied request: not large$/)
    expect((await map('a', { other: 'x' })).body.message).toMatch(
      /denied request: expression 'object.data.size == 'small'' resulted in error: no such key: size$/,
    )
  })

  test('that fails open lets pass what it cannot judge', async () => {
    const spec = { validations: [{ expression: "object.data.size == 'small'" }], failurePolicy: 'Ignore' }
    const { map } = await setUpWith(spec)
    expect((await map('a', { other: 'x' })).status).toBe(201)
    expect((await map('b', { size: 'large' })).status).toBe(422)
  })

  test('is not asked while nothing binds it, nor about what its binding leaves out', async () => {
    const { policy, binding, map, server } = await setUp()
    await policy('p', { validations: [{ expression: 'false' }] })
    expect((await map('a', {})).status).toBe(201)
    await binding('b', 'p', { matchResources: { objectSelector: { matchLabels: { strict: 'yes' } } } })
    expect((await map('b', {})).status).toBe(201)
    expect((await map('c', {}, { labels: { strict: 'yes' } })).status).toBe(422)
    await server.call('DELETE', `${group}/validatingadmissionpolicybindings/b`)
    expect((await map('c', {}, { labels: { strict: 'yes' } })).status).toBe(201)
  })

  test('sees the request, the object before, its namespace and what its variables compute, each once', async () => {
    const { map, server } = await setUpWith({
      variables: [
        { name: 'who', expression: 'request.userInfo.username' },
        { name: 'greeting', expression: "'hello ' + variables.who" },
      ],
      validations: [
        { expression: "variables.greeting == 'hello admin'" },
        { expression: "request.operation == 'CREATE' ? oldObject == null : oldObject.metadata.name == request.name" },
        { expression: "namespaceObject.metadata.name == 'default' && request.resource.resource == 'configmaps'" },
        { expression: "request.operation != 'DELETE' || object == null" },
        { expression: "request.kind.kind == 'ConfigMap' && request.dryRun == false" },
      ],
    })
    expect((await map('a', {})).status).toBe(201)
    expect((await server.call('DELETE', '/api/v1/namespaces/default/configmaps/a')).status).toBe(200)
  })

  test('is asked only where its conditions are met', async () => {
    const { map } = await setUpWith({
      matchConditions: [{ name: 'big', expression: "object.metadata.name.startsWith('big')" }],
      validations: [{ expression: 'false' }],
    })
    expect((await map('small', {})).status).toBe(201)
    expect((await map('big', {})).status).toBe(422)
  })

  test('may ask who may do what', async () => {
    const asks = (verb: string) => `authorizer.group('').resource('pods').namespace('x').check('${verb}').allowed()`
    const account =
      "authorizer.serviceAccount('default', 'nobody').group('').resource('secrets').check('get').allowed()"
    const { map } = await setUpWith({
      validations: [
        { expression: `${asks('create')} && ${asks('delete')}` },
        { expression: `!${account}` },
        { expression: "authorizer.requestResource.check('create').allowed()" },
      ],
    })
    expect((await map('a', {})).body.message).toBeUndefined()
  })

  test('warns where its binding says so', async () => {
    const { map } = await setUpWith(
      { validations: [{ expression: 'false', message: 'no' }] },
      { validationActions: ['Warn', 'Audit'] },
    )
    const created = await map('a', {})
    expect(created.status).toBe(201)
    expect(String(created.headers['warning'])).toContain(
      "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no",
    )
  })

  test('is never asked about policies, so that one that refuses everything can be taken away', async () => {
    const spec = { matchConstraints: rule('*/*'), validations: [{ expression: 'false' }] }
    const { map, server } = await setUpWith(spec)
    expect((await map('a', {})).status).toBe(422)
    expect((await server.call('DELETE', `${group}/validatingadmissionpolicies/p`)).status).toBe(200)
    expect((await map('a', {})).status).toBe(201)
  })

  test('that costs too much refuses', async () => {
    const loops = 'object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, true))))'
    const { map } = await setUpWith({ validations: [{ expression: loops }] })
    const data = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'x']))
    expect((await map('a', data)).body.message).toContain('actual cost limit exceeded')
  })
})

describe('parameters', () => {
  const spec = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    matchConstraints: rule('secrets'),
    validations: [{ expression: 'params == null || object.metadata.name.startsWith(params.data.prefix)' }],
  }
  const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })
  const secrets = '/api/v1/namespaces/default/secrets'

  test('by name; a missing one refuses or does not, as the binding says', async () => {
    const ref = (parameterNotFoundAction: string) => ({
      name: 'settings',
      namespace: 'default',
      parameterNotFoundAction,
    })
    const { server, map, binding } = await setUpWith(spec, { paramRef: ref('Deny') })
    expect((await server.call('POST', secrets, secret('web-1'))).body.message).toContain(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    )
    await map('settings', { prefix: 'web-' })
    expect((await server.call('POST', secrets, secret('web-1'))).status).toBe(201)
    expect((await server.call('POST', secrets, secret('db-1'))).status).toBe(422)
    await server.call('DELETE', `${group}/validatingadmissionpolicybindings/b`)
    await binding('lenient', 'p', { paramRef: { ...ref('Allow'), name: 'nothing' } })
    expect((await server.call('POST', secrets, secret('db-1'))).status).toBe(201)
  })

  test('by labels: all of them are asked', async () => {
    const { server, map } = await setUpWith(spec, {
      paramRef: { selector: { matchLabels: { use: 'prefix' } }, parameterNotFoundAction: 'Deny' },
    })
    await map('one', { prefix: 'we' }, { labels: { use: 'prefix' } })
    await map('two', { prefix: 'web-' }, { labels: { use: 'prefix' } })
    expect((await server.call('POST', secrets, secret('web-1'))).status).toBe(201)
    expect((await server.call('POST', secrets, secret('we-1'))).status).toBe(422)
  })

  test('of a kind that is not there', async () => {
    const { server } = await setUpWith({ ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Rule' } })
    expect((await server.call('POST', secrets, secret('a'))).body.message).toContain(
      "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Rule'",
    )
  })
})

test('what cannot be used is refused with its fields', async () => {
  const { policy, binding } = await setUp()
  const refused = await policy('p', {
    matchConditions: [{ name: '', expression: 'object.x ==' }],
    variables: [{ name: '1x', expression: 'request.nothing' }],
    validations: [{ expression: '1', message: 'a\nb', reason: 'Because' }, { expression: "variables.y == 'x'" }],
    auditAnnotations: [{ key: 'k', valueExpression: '1' }],
    paramKind: { apiVersion: 'v1', kind: '' },
  })
  const causes = refused.body.details.causes.map((cause: any) => `${cause.field}: ${cause.message}`)
  expect(causes).toEqual([
    'spec.paramKind.kind: Required value',
    expect.stringContaining(
      'spec.matchConditions[0].expression: Invalid value: "object.x ==": compilation failed: ERROR: <input>:1:12: Syntax error',
    ),
    'spec.matchConditions[0].name: Required value',
    'spec.variables[0].name: Invalid value: "1x": name is not a valid CEL identifier',
    expect.stringContaining(
      'spec.variables[0].expression: Invalid value: "request.nothing": compilation failed: ERROR: <input>:1:8: undefined field \'nothing\'',
    ),
    'spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int',
    'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
    expect.stringContaining('spec.validations[0].reason: Unsupported value: "Because"'),
    expect.stringContaining(
      "spec.validations[1].expression: Invalid value: \"variables.y == 'x'\": compilation failed: ERROR: <input>:1:10: undefined field 'y'",
    ),
    'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null]',
  ])
  const bound = await binding('b', '', {
    validationActions: ['Deny', 'Warn'],
    paramRef: { parameterNotFoundAction: 'Deny' },
  })
  expect(bound.body.details.causes.map((cause: any) => cause.field)).toEqual([
    'spec.policyName',
    'spec.paramRef',
    'spec.validationActions',
  ])
})
