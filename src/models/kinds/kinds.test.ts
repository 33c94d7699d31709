import { describe, expect, test } from 'vitest'
import { allTypes, decodePart } from '../schema/index.ts'
import { builtinKinds, subresourceKinds } from './index.ts'

const idOf = (kind: { group: string; version: string; kind: string }) => `${kind.group}/${kind.version}/${kind.kind}`

test('every served kind of the schema table is here', () => {
  // Neither stored nor asked for by themselves, or served by the version beside them only.
  const elsewhere = new Set([
    'apidiscovery/v2.APIGroupDiscovery',
    'core/v1.PodStatusResult',
    'core/v1.RangeAllocation',
    'meta/v1.PartialObjectMetadata',
    'meta/v1.Status',
    'meta/v1.Table',
  ])
  const known = new Set([...builtinKinds, ...subresourceKinds].map(kind => kind.schema))
  const served = allTypes().filter(
    t => t.fields.has('apiVersion') && t.fields.has('metadata') && !t.name.endsWith('List'),
  )
  const missing = served
    .map(t => t.name)
    .filter(name => !known.has(name) && !elsewhere.has(name))
    .filter(name => !/^(storage|admissionregistration)\/v1beta1\./.test(name))
  expect(missing).toEqual([])
})

test('no two kinds are one', () => {
  const ids = builtinKinds.map(idOf)
  expect(new Set(ids).size).toBe(ids.length)
})

test('no two resources of a group share a short name', () => {
  const seen = new Map<string, string>()
  for (const kind of builtinKinds)
    for (const short of kind.shortNames ?? []) {
      const resource = `${kind.group}/${kind.plural}`
      const other = seen.get(`${kind.group} ${short}`) ?? resource
      expect(other, short).toBe(resource)
      seen.set(`${kind.group} ${short}`, resource)
    }
})

test('kinds with a scale subresource say where it reads and writes', () => {
  const wrong = builtinKinds.filter(kind => Boolean(kind.subresources?.includes('scale')) !== Boolean(kind.scale))
  expect(wrong.map(idOf)).toEqual([])
})

describe('an object of which only the outside is known', () => {
  // Stored objects of older versions, and what the schema lets through, must not throw.
  test.each(builtinKinds.map(kind => [idOf(kind), kind] as const))('%s', (_, kind) => {
    const bare = (): any => ({
      apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version,
      kind: kind.kind,
      metadata: { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1' },
      ...presentInside(kind.schema),
    })
    const object = bare()
    kind.defaults?.(object)
    kind.prepareCreate?.(object)
    kind.validate?.(object)
    object.spec ??= {}
    const next = structuredClone(object)
    kind.prepareUpdate?.(next, object)
    kind.validate?.(next, object)
    for (const column of kind.columns ?? []) expect(column.cell(object, 0), column.name).not.toBe(undefined)
    for (const field of Object.values(kind.fields ?? {})) expect(typeof field(object)).toBe('string')
    kind.gracePeriodSeconds?.(object)
    kind.scale?.selector(object)
    if (kind.storedAs)
      expect(kind.storedAs.fromStored(kind.storedAs.toStored(bare()))).toMatchObject({ kind: kind.kind })
  })
})

/** What decoding fills in where nothing was said. */
function presentInside(schema: string): object {
  const { metadata: _, ...rest } = decodePart<Record<string, unknown>>(schema, {})
  return rest
}
