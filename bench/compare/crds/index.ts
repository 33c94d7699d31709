import type { Case, Program } from '../program.ts'
import type { Both } from '../servers.ts'
import type { Json, Question } from '../side.ts'
import { told, until } from '../story.ts'
import { featured } from './featured.ts'
import { lives } from './lives.ts'
import { refused } from './refused.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export const crds: Program = {
  name: 'crds',
  about:
    'Definitions of custom resources and their lives; custom objects written in all ways under schemas of all features.',
  width: 1,
  async *cases(both, { every, offset }) {
    for (const side of [both.ours, both.theirs])
      await side.json('POST', '/api/v1/namespaces', { metadata: { name: 'crds' } })
    let count = 0
    for (const [what, body] of refused)
      if (count++ % every === offset)
        yield await told(both, `crds: definition, ${what}`, { method: 'POST', path: `${definitions}?dryRun=All`, body })
    for (const one of featured) yield* written(both, one)
    yield* lives(both)
  },
}

export interface Featured {
  name: string
  /** Of `spec`, or the whole object where it has a `type`. */
  schema: Json
  /** Of its version. */
  more?: Json
  /** Some of the first can be stored. */
  objects: Json[]
}

const group = (name: string) => `${name}.crds.example`

/** Defines it, and then writes each object in every way. */
async function* written(both: Both, { name, schema, more, objects }: Featured): AsyncIterable<Case> {
  const openAPIV3Schema = schema.type
    ? schema
    : {
        type: 'object',
        properties: { spec: schema, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      }
  const body = {
    metadata: { name: `things.${group(name)}` },
    spec: {
      ...{ group: group(name), scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' } },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...more }],
    },
  }
  yield await told(both, `crds: ${name}, definition`, { method: 'POST', path: definitions, body })
  const path = `/apis/${group(name)}/v1/namespaces/crds/things`
  await until(both, path, (_, status) => status === 200)
  yield await told(
    both,
    `crds: ${name}, defined`,
    { method: 'GET', path: `${definitions}/${body.metadata.name}` },
    settled,
  )
  yield await told(
    both,
    `crds: ${name}, OpenAPI`,
    { method: 'GET', path: `/openapi/v3/apis/${group(name)}/v1` },
    schemaOf,
  )
  const make = (spec: Json, at = 'one'): Json => ({
    apiVersion: `${group(name)}/v1`,
    kind: 'Thing',
    ...(spec?.whole ? spec.whole : { spec }),
    metadata: { name: at, ...spec?.whole?.metadata },
  })
  const first = objects[0]
  yield await told(both, `crds: ${name}, the first`, {
    method: 'POST',
    path: `${path}?fieldManager=m`,
    body: make(first),
  })
  for (const [index, object] of objects.entries())
    for (const [way, question] of ways(path, make(object), make(object, 'two')))
      yield await told(both, `crds: ${name}, ${way}, object ${index} ${JSON.stringify(object).slice(0, 120)}`, question)
  // For real: each is what the next is held beside.
  for (const [index, object] of objects.entries()) {
    const question: Question = {
      method: 'PATCH',
      path: `${path}/one?fieldManager=n`,
      type: 'application/merge-patch+json',
      body: make(object),
    }
    yield await told(both, `crds: ${name}, becomes object ${index} ${JSON.stringify(object).slice(0, 120)}`, question)
  }
  yield await told(both, `crds: ${name}, at last`, { method: 'GET', path: `${path}/one` })
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  yield await told(both, `crds: ${name}, as a table`, { method: 'GET', path, accept: table })
}

function* ways(path: string, one: Json, two: Json): Iterable<[string, Question]> {
  const dry = 'dryRun=All&fieldManager=w'
  const patch = (name: string, type: string, body: Json, at = `${path}/one`, more = ''): [string, Question] => [
    name,
    { method: 'PATCH', path: `${at}?${dry}${more}`, type: `application/${type}`, body },
  ]
  yield ['create', { method: 'POST', path: `${path}?${dry}`, body: two }]
  yield ['strict create', { method: 'POST', path: `${path}?${dry}&fieldValidation=Strict`, body: two }]
  yield ['create that ignores', { method: 'POST', path: `${path}?${dry}&fieldValidation=Ignore`, body: two }]
  yield ['update', { method: 'PUT', path: `${path}/one?${dry}`, body: one }]
  yield patch('merge patch', 'merge-patch+json', one)
  yield patch('JSON patch', 'json-patch+json', [{ op: 'add', path: '/spec', value: one.spec ?? null }])
  yield patch('apply', 'apply-patch+yaml', one)
  yield patch('forced apply', 'apply-patch+yaml', one, undefined, '&force=true')
  yield patch('apply of a new one', 'apply-patch+yaml', two, `${path}/two`)
  yield patch('strategic patch', 'strategic-merge-patch+json', one)
  yield ['update of status', { method: 'PUT', path: `${path}/one/status?${dry}`, body: { ...one, status: one.spec } }]
  yield patch('merge patch of status', 'merge-patch+json', { status: one.spec }, `${path}/one/status`)
  yield ['scale', { method: 'GET', path: `${path}/one/scale` }]
}

/** Conditions in the order of their names. */
const settled = (body: Json): Json => {
  const conditions = body?.status?.conditions?.toSorted((a: Json, b: Json) => (a.type < b.type ? -1 : 1))
  return conditions ? { ...body, status: { ...body.status, conditions } } : body
}

const schemaOf = (body: Json): Json => {
  const schemas = body?.components?.schemas ?? {}
  return Object.fromEntries(
    Object.entries<Json>(schemas)
      .filter(([name]) => name.endsWith('.Thing'))
      .map(([name, { description: _, ...schema }]) => {
        const { apiVersion: __, kind: ___, ...properties } = schema.properties ?? {}
        return [name, { ...schema, properties }]
      }),
  )
}
