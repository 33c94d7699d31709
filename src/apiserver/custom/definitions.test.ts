import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { cronTab, cronTabObject } from './testing/cron-tab.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const tabs = '/apis/stable.example.com/v1/namespaces/default/crontabs'

describe('a definition', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    const watching = await server.watch(`${crds}?watch=1`)
    expect((await server.call('POST', crds, cronTab())).status).toBe(201)
    for (;;) {
      const { object } = await watching.next()
      if (object.status.conditions?.some((c: any) => c.type === 'Established' && c.status === 'True')) break
    }
    watching.end()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('is served as soon as it is seen established', async () => {
    const { body } = await server.call('GET', '/apis/stable.example.com/v1')
    expect(body.resources.map((r: any) => [r.name, r.kind, r.shortNames, r.categories])).toEqual([
      ['crontabs', 'CronTab', ['ct'], ['all']],
      ['crontabs/status', 'CronTab', undefined, undefined],
      ['crontabs/scale', 'Scale', undefined, undefined],
    ])
    const crd = (await server.call('GET', `${crds}/crontabs.stable.example.com`)).body
    expect(crd.status.conditions.map((c: any) => [c.type, c.status, c.reason])).toEqual([
      ['NamesAccepted', 'True', 'NoConflicts'],
      ['Established', 'True', 'InitialNamesAccepted'],
    ])
    expect(crd.status.acceptedNames).toEqual({
      plural: 'crontabs',
      singular: 'crontab',
      kind: 'CronTab',
      listKind: 'CronTabList',
      shortNames: ['ct'],
      categories: ['all'],
    })
    expect(crd.status.storedVersions).toEqual(['v1'])
    expect(crd.spec.conversion).toEqual({ strategy: 'None' })
  })

  test('has a status that kube-apiserver owns', async () => {
    const { managedFields } = (await server.call('GET', `${crds}/crontabs.stable.example.com`)).body.metadata
    const { time: _, ...owner } = managedFields.find((m: any) => m.subresource)
    const parts = ['.', 'f:lastTransitionTime', 'f:message', 'f:reason', 'f:status', 'f:type']
    const condition = Object.fromEntries(parts.map(part => [part, {}]))
    const names = ['f:categories', 'f:kind', 'f:listKind', 'f:plural', 'f:shortNames', 'f:singular']
    expect(owner).toEqual({
      ...{ manager: 'kube-apiserver', operation: 'Update', subresource: 'status' },
      ...{ apiVersion: 'apiextensions.k8s.io/v1', fieldsType: 'FieldsV1' },
      fieldsV1: {
        'f:status': {
          'f:acceptedNames': Object.fromEntries(names.map(name => [name, {}])),
          'f:conditions': { 'k:{"type":"Established"}': condition, 'k:{"type":"NamesAccepted"}': condition },
        },
      },
    })
  })

  test('objects get defaults, lose unknown fields, and are refused in the words of Kubernetes', async () => {
    const made = await server.call('POST', tabs, cronTabObject('a', { unknown: 1, free: { any: [1] }, note: null }))
    expect(made.status).toBe(201)
    expect(made.body.spec).toEqual({
      cronSpec: '* * * * */5',
      free: { any: [1] },
      note: null,
      image: 'busybox',
      replicas: 1,
    })
    expect(made.body.metadata.generation).toBe(1)
    const strict = await server.call(
      'POST',
      `${tabs}?fieldValidation=Strict`,
      cronTabObject('b', { unknown: 1, template: { apiVersion: 'v1', kind: 'Pod', metadata: { odd: 1 } } }),
    )
    expect(strict.status).toBe(400)
    expect(strict.body.message).toBe(
      'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown field "spec.unknown", unknown field "spec.template.metadata.odd"',
    )
    const wrong = await server.call('POST', tabs, cronTabObject('b', { cronSpec: 5, replicas: 11 }))
    expect(wrong.body.message).toBe(
      'CronTab.stable.example.com "b" is invalid: [spec.cronSpec: Invalid value: "integer": spec.cronSpec in body must be of type string: "integer", spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10]',
    )
  })

  test('tables, status, scale, selection by field', async () => {
    await server.call('POST', tabs, cronTabObject('s', { image: 'web' }))
    const table = await server.call('GET', `${tabs}/s`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    expect(table.body.columnDefinitions.map((c: any) => c.name)).toEqual(['Name', 'Spec', 'Replicas', 'Ready', 'Age'])
    expect(table.body.rows[0].cells.slice(0, 4)).toEqual(['s', '* * * * */5', 1, null])
    const fresh = await server.call('GET', `${tabs}/s/scale`)
    expect([fresh.body.spec, fresh.body.status]).toEqual([{ replicas: 1 }, { replicas: 0 }])
    const status = { ...cronTabObject('s', { image: 'other' }), status: { replicas: 3, labelSelector: 'a=b' } }
    const patched = await server.call(
      'PATCH',
      `${tabs}/s/status`,
      { ...status, metadata: undefined },
      {
        'content-type': 'application/merge-patch+json',
      },
    )
    expect([patched.status, patched.body.spec.image, patched.body.status.replicas]).toEqual([200, 'web', 3])
    const scale = await server.call('GET', `${tabs}/s/scale`)
    expect([scale.body.spec, scale.body.status]).toEqual([{ replicas: 1 }, { replicas: 3, selector: 'a=b' }])
    await server.call(
      'PATCH',
      `${tabs}/s/scale`,
      { spec: { replicas: 4 } },
      {
        'content-type': 'application/merge-patch+json',
      },
    )
    const found = await server.call('GET', `${tabs}?fieldSelector=spec.image%3Dweb`)
    expect(found.body.kind).toBe('CronTabList')
    expect(found.body.items.map((i: any) => [i.kind, i.metadata.name, i.spec.replicas, i.metadata.generation])).toEqual(
      [['CronTab', 's', 4, 2]],
    )
    expect((await server.call('GET', `${tabs}?fieldSelector=spec.replicas%3D1`)).status).toBe(400)
  })

  test('strategic patches and protobuf are for kinds that the server knows', async () => {
    const strategic = await server.call(
      'PATCH',
      `${tabs}/s`,
      {},
      {
        'content-type': 'application/strategic-merge-patch+json',
      },
    )
    expect(strategic.status).toBe(415)
    const protobuf = await server.call('POST', tabs, Buffer.from('k8s\0'), {
      'content-type': 'application/vnd.kubernetes.protobuf',
    })
    expect(protobuf.status).toBe(415)
  })

  test('who applies owns what the schema divides', async () => {
    const apply = (manager: string, spec: object, force = false) =>
      server.call(
        'PATCH',
        `${tabs}/ssa?fieldManager=${manager}${force ? '&force=true' : ''}`,
        cronTabObject('ssa', spec),
        { 'content-type': 'application/apply-patch+yaml' },
      )
    const first = await apply('one', { steps: [{ name: 'x', command: 'a' }], tags: ['t'], free: { k: { v: 1 } } })
    expect(first.status).toBe(201)
    expect(first.body.metadata.managedFields[0].fieldsV1).toEqual({
      'f:spec': {
        'f:cronSpec': {},
        'f:free': { 'f:k': { '.': {}, 'f:v': {} } },
        'f:steps': { 'k:{"name":"x"}': { '.': {}, 'f:command': {}, 'f:name': {} } },
        'f:tags': { 'v:"t"': {} },
      },
    })
    const second = await apply('two', { steps: [{ name: 'y' }], tags: ['u'] })
    expect(second.body.spec.steps.map((s: any) => s.name)).toEqual(['x', 'y'])
    expect(second.body.spec.tags).toEqual(['t', 'u'])
    const clash = await apply('two', { steps: [{ name: 'x', command: 'b' }] })
    expect([clash.status, clash.body.details.causes[0].field]).toEqual([409, '.spec.steps[name="x"].command'])
  })

  test.each<[object, string]>([
    [{ cronSpec: null }, 'spec.cronSpec: Invalid value: "null": spec.cronSpec in body must be of type string: "null"'],
    [{ tags: null }, 'spec.tags: Invalid value: "null": spec.tags in body must be of type array: "null"'],
    [
      { steps: [{ name: null }] },
      'spec.steps[0].name: Invalid value: "null": spec.steps[0].name in body must be of type string: "null"',
    ],
  ])('a null that is applied where none may be is refused, and not left out: %j', async (spec, why) => {
    const applied = cronTabObject('nulls', spec)
    const type = { 'content-type': 'application/apply-patch+yaml' }
    const { body } = await server.call('PATCH', `${tabs}/nulls?fieldManager=m&dryRun=All`, applied, type)
    expect(body.message).toContain(why)
    const changes = cronTabObject('nulls', { note: null, image: null })
    const allowed = await server.call('PATCH', `${tabs}/nulls?fieldManager=m&dryRun=All`, changes, type)
    expect(allowed.body.spec).toMatchObject({ note: null, image: 'busybox' })
  })

  test('lists with identity take nothing twice', async () => {
    const twice = await server.call(
      'POST',
      tabs,
      cronTabObject('l', { tags: ['a', 'a'], steps: [{ name: 'x' }, { name: 'x' }] }),
    )
    expect(twice.body.details.causes.map((c: any) => `${c.field}: ${c.message}`)).toEqual([
      'spec.tags[1]: Duplicate value: "a"',
      'spec.steps[1]: Duplicate value: map[string]interface {}{"name":"x"}',
    ])
  })

  test('who applies what the schema does not know, or the same field twice, is told where', async () => {
    const apply = async (text: string) =>
      (
        await server.call('PATCH', `${tabs}/odd?fieldManager=m&fieldValidation=Strict`, Buffer.from(text), {
          'content-type': 'application/apply-patch+yaml',
        })
      ).body.message
    const head = 'apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: odd}\n'
    expect(await apply(`${head}unknownField: x\nspec: {cronSpec: "* * * * *"}\n`)).toContain(
      '.unknownField: field not declared in schema',
    )
    const template = 'template: {apiVersion: v1, kind: Pod, metadata: {odd: 1}, spec: {any: 1}}'
    const inside = await apply(`${head}spec: {cronSpec: "* * * * *", ${template}}\n`)
    expect(inside).toContain(': .spec.template.metadata.odd: field not declared in schema')
    expect(await apply(`${head}spec:\n  cronSpec: "* * * * *"\n  free: {a: 1}\n  free: {b: 1}\n`)).toContain(
      'line 7: key "free" already set in map',
    )
  })
})

test('who watches the objects of a definition that is deleted hears that each of them goes, and then the end', async () => {
  await using server = await startTestServer()
  const all = await server.watch(`${crds}?watch=1`)
  await server.call('POST', crds, cronTab())
  for (;;) if ((await all.next()).object.status.conditions?.some((c: any) => c.type === 'Established')) break
  all.end()
  for (const name of ['a', 'b']) await server.call('POST', tabs, cronTabObject(name))
  const watching = await server.watch(`${tabs}?watch=1`)
  const seen = async () => {
    const event = await watching.next()
    return event && [event.type, event.object.metadata.name]
  }
  expect([await seen(), await seen()]).toEqual([
    ['ADDED', 'a'],
    ['ADDED', 'b'],
  ])
  await server.call('DELETE', `${crds}/crontabs.stable.example.com`)
  expect([await seen(), await seen(), await seen()]).toEqual([['DELETED', 'a'], ['DELETED', 'b'], undefined])
})

test('what definitions say is told as by kube-apiserver: sub-paths, fields of selectors, places in a status, numbers of replicas', async () => {
  await using server = await startTestServer()
  const all = await server.watch(`${crds}?watch=1`)
  const established = async () => {
    for (;;) if ((await all.next()).object.status.conditions?.some((c: any) => c.type === 'Established')) return
  }
  await server.call('POST', crds, cronTab())
  await established()
  const { body: groups } = await server.call('GET', '/apis', undefined, {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  })
  const [served] = groups.items.find((g: any) => g.metadata.name === 'stable.example.com').versions
  expect(served.resources[0].subresources.map((s: any) => s.subresource)).toEqual(['status', 'scale'])
  const { body: document } = await server.call('GET', '/openapi/v3/apis/stable.example.com/v1')
  expect(document.components.schemas['com.example.stable.v1.CronTab']['x-kubernetes-selectable-fields']).toEqual([
    { fieldPath: 'spec.image' },
  ])
  const { body: made } = await server.call('POST', tabs, cronTabObject('a'))
  const status = { ...made, status: { ...made.status, replicas: 'many' } }
  const { body: refused } = await server.call('PUT', `${tabs}/a/status`, status)
  expect(refused.message).toContain(
    'status.replicas: Invalid value: "string": replicas in body must be of type integer',
  )
  const huge = Buffer.from(JSON.stringify(made).replace('"replicas":1', '"replicas":9223372036854775807'))
  const { body: tooMany } = await server.call('PUT', `${tabs}/a`, huge, { 'content-type': 'application/json' })
  expect(tooMany.message).toContain(
    '.spec.replicas: Invalid value: 9223372036854775807: should be less than or equal to 2147483647',
  )
})
