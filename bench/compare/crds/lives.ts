import type { Case } from '../program.ts'
import type { Both } from '../servers.ts'
import type { Json, Question } from '../side.ts'
import { told, until } from '../story.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const merge = 'application/merge-patch+json'
const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const version = (name: string, more: Json = {}): Json => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: free },
  ...more,
})

function definition(group: string, names: Json, more: Json = {}): Json {
  const all = { plural: 'lives', kind: 'Life', ...names }
  return {
    metadata: { name: `${all.plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: all, versions: [version('v1')], ...more },
  }
}

/** Definitions that change and go while their objects are there. */
export async function* lives(both: Both): AsyncIterable<Case> {
  yield* conflictingNames(both)
  yield* versions(both)
  yield* end(both)
}

const conditions = (body: Json): Json => {
  const all = body?.status?.conditions ?? []
  return {
    names: body?.status?.acceptedNames,
    stored: body?.status?.storedVersions,
    conditions: all.toSorted((a: Json, b: Json) => (a.type < b.type ? -1 : 1)),
    status: body?.code,
  }
}

const step = (both: Both, what: string, method: string, path: string, body?: Json, type?: string) => {
  const question: Question = { method, path, ...(body === undefined ? {} : { body }), ...(type ? { type } : {}) }
  return told(both, `crds: ${what}`, question)
}

const established = (body: Json) =>
  body?.status?.conditions?.some(({ type, status }: Json) => type === 'Established' && status === 'True')
const judged = (body: Json) => body?.status?.conditions?.some(({ type }: Json) => type === 'NamesAccepted')

async function* conflictingNames(both: Both): AsyncIterable<Case> {
  const group = 'names.example'
  const first = { singular: 'life', shortNames: ['lf', 'lv'], listKind: 'LifeList', categories: ['all'] }
  yield await step(both, 'names: the first', 'POST', definitions, definition(group, first))
  await until(both, `${definitions}/lives.${group}`, established)
  const others: Record<string, Json> = {
    'the same kind': { plural: 'others', kind: 'Life' },
    'the same singular': { plural: 'thirds', kind: 'Third', singular: 'life' },
    'the same short name': { plural: 'fourths', kind: 'Fourth', shortNames: ['lf', 'ok'] },
    'the same list': { plural: 'fifths', kind: 'Fifth', listKind: 'LifeList' },
    'a short name like the plural': { plural: 'sixths', kind: 'Sixth', shortNames: ['lives'] },
    'a kind like the list': { plural: 'sevenths', kind: 'LifeList' },
    'all the same': { ...first, plural: 'eighths', kind: 'Life' },
  }
  for (const [what, names] of Object.entries(others)) {
    yield await step(both, `names: ${what}`, 'POST', definitions, definition(group, names))
    const path = `${definitions}/${names.plural}.${group}`
    await until(both, path, judged)
    yield await told(both, `crds: names: ${what}, judged`, { method: 'GET', path }, conditions)
    yield await step(both, `names: ${what}, asked for`, 'GET', `/apis/${group}/v1/${names.plural}`)
  }
  yield await step(both, 'names: resources', 'GET', `/apis/${group}/v1`)
  yield await step(both, 'names: the first goes', 'DELETE', `${definitions}/lives.${group}`)
  for (const { plural } of Object.values(others)) {
    await until(both, `${definitions}/${plural}.${group}`, body => (plural === 'others' ? established(body) : true))
  }
  yield await told(
    both,
    'crds: names: the second has them',
    { method: 'GET', path: `${definitions}/others.${group}` },
    conditions,
  )
}

async function* versions(both: Both): AsyncIterable<Case> {
  const group = 'versions.example'
  const at = `${definitions}/lives.${group}`
  const more = {
    versions: [
      version('v1'),
      version('v2', { subresources: { status: {} } }),
      version('v1beta1', { deprecated: true }),
      version('v3', { served: false }),
    ],
  }
  yield await step(both, 'versions: defined', 'POST', definitions, definition(group, {}, more))
  const path = (v: string) => `/apis/${group}/${v}/namespaces/crds/lives`
  await until(both, path('v1'), (_, status) => status === 200)
  yield await step(both, 'versions: group', 'GET', `/apis/${group}`)
  for (const v of ['v1', 'v2', 'v1beta1', 'v3', 'v4']) {
    yield await step(both, `versions: ${v}, resources`, 'GET', `/apis/${group}/${v}`)
    yield await step(both, `versions: ${v}, create`, 'POST', path(v), {
      apiVersion: `${group}/${v}`,
      kind: 'Life',
      metadata: { name: `by-${v}` },
      spec: { a: 1 },
      status: { b: 2 },
    })
    yield await step(both, `versions: ${v}, create as v1`, 'POST', path(v), {
      apiVersion: `${group}/v1`,
      kind: 'Life',
      metadata: { name: `as-${v}` },
    })
    yield await step(both, `versions: ${v}, create as another kind`, 'POST', path(v), {
      apiVersion: `${group}/${v}`,
      kind: 'Death',
      metadata: { name: `kind-${v}` },
    })
    yield await step(both, `versions: ${v}, list`, 'GET', path(v))
    yield await step(
      both,
      `versions: ${v}, apply`,
      'PATCH',
      `${path(v)}/by-v1?fieldManager=${v}&force=true`,
      { apiVersion: `${group}/${v}`, kind: 'Life', spec: { [v]: 1 } },
      'application/apply-patch+yaml',
    )
    yield await step(both, `versions: ${v}, status`, 'PATCH', `${path(v)}/by-v1/status`, { status: { of: v } }, merge)
  }
  const changes: Record<string, Json> = {
    'scope changes': { spec: { scope: 'Cluster' } },
    'group changes': { spec: { group: 'other.example' } },
    'kind changes': { spec: { names: { kind: 'Other', plural: 'lives' } } },
    'plural changes': { spec: { names: { plural: 'others' } } },
    'short names come': { spec: { names: { shortNames: ['lf'] } } },
    'storage moves': {
      spec: {
        versions: [
          { ...version('v1'), storage: false },
          { ...version('v2'), storage: true },
        ],
      },
    },
    'v1 goes': { spec: { versions: [{ ...version('v2'), storage: true }] } },
    'v1 is not stored any more': { status: { storedVersions: ['v2'] } },
    'stored is nothing': { status: { storedVersions: [] } },
  }
  for (const [what, body] of Object.entries(changes)) {
    const sub = body.status ? '/status' : ''
    yield await step(both, `versions: ${what}`, 'PATCH', `${at}${sub}`, body, merge)
    await new Promise(resolve => setTimeout(resolve, 1_500))
    yield await told(both, `crds: versions: ${what}, then`, { method: 'GET', path: at }, conditions)
  }
  yield await step(
    both,
    'versions: v1 goes again',
    'PATCH',
    at,
    { spec: { versions: [{ ...version('v2'), storage: true }] } },
    merge,
  )
  await until(both, path('v1'), (_, status) => status === 404)
  yield await step(both, 'versions: v1 asked for', 'GET', path('v1'))
  yield await step(both, 'versions: v2 asked for', 'GET', `${path('v2')}/by-v1`)
}

async function* end(both: Both): AsyncIterable<Case> {
  const group = 'end.example'
  const at = `${definitions}/lives.${group}`
  const path = `/apis/${group}/v1/namespaces/crds/lives`
  yield await step(both, 'end: defined', 'POST', definitions, definition(group, {}))
  await until(both, path, (_, status) => status === 200)
  const make = (name: string, finalizers: string[] = []) => ({
    apiVersion: `${group}/v1`,
    kind: 'Life',
    metadata: { name, finalizers },
  })
  yield await step(both, 'end: an object', 'POST', path, make('a'))
  yield await step(both, 'end: a held object', 'POST', path, make('b', ['a.example/held']))
  yield await step(both, 'end: deleted', 'DELETE', at)
  await until(both, at, body =>
    body?.status?.conditions?.some(
      ({ type, reason }: Json) => type === 'Terminating' && reason === 'InstanceDeletionInProgress',
    ),
  )
  await until(both, `${path}/a`, (_, status) => status === 404)
  yield await told(both, 'crds: end: under way', { method: 'GET', path: at }, conditions)
  yield await step(both, 'end: a new object', 'POST', path, make('c'))
  yield await step(both, 'end: the first', 'GET', `${path}/a`)
  yield await step(both, 'end: the held one', 'GET', `${path}/b`)
  yield await step(both, 'end: an update', 'PATCH', `${path}/b`, { spec: { a: 1 } }, merge)
  yield await step(both, 'end: defined again', 'POST', definitions, definition(group, {}))
  yield await step(
    both,
    'end: a version comes',
    'PATCH',
    at,
    { spec: { versions: [version('v1'), version('v2')] } },
    merge,
  )
  yield await step(both, 'end: deleted again', 'DELETE', at)
  yield await step(both, 'end: let go', 'PATCH', `${path}/b`, { metadata: { finalizers: null } }, merge)
  await until(both, at, (_, status) => status === 404)
  yield await step(both, 'end: gone', 'GET', at)
  yield await step(both, 'end: its objects', 'GET', path)
  await until(both, `/apis/${group}`, (_, status) => status === 404)
  yield await step(both, 'end: its group', 'GET', `/apis/${group}`)
}
