import { pause } from '../../support/statistics.ts'
import type { Both } from '../servers.ts'
import type { Json } from '../side.ts'
import { someTime } from '../told.ts'
import { type Exhibit, namespace } from './exhibit.ts'

const column = (name: string, type: string, jsonPath: string, more: Json = {}) => ({ name, type, jsonPath, ...more })

const columns = [
  ...[column('Size', 'integer', '.spec.size'), column('Weight', 'number', '.spec.weight')],
  ...[column('Text', 'string', '.spec.text', { description: 'a text' }), column('Flag', 'boolean', '.spec.flag')],
  ...[column('When', 'date', '.spec.when'), column('Born', 'date', '.metadata.creationTimestamp', { priority: 1 })],
  ...[
    column('List', 'string', '.spec.list'),
    column('First', 'string', '.spec.list[0]'),
    column('All', 'string', '.spec.list[*]'),
  ],
  ...[column('Names', 'string', '.spec.items[*].name'), column('Found', 'string', '.spec.items[?(@.name=="b")].value')],
  ...[
    column('Map', 'string', '.spec.map'),
    column('Entry', 'string', '.spec.map.a\\.b'),
    column('Label', 'string', '.metadata.labels.a'),
  ],
  ...[
    column('Wrong', 'integer', '.spec.text'),
    column('Number', 'string', '.spec.size'),
    column('Date', 'date', '.spec.text'),
  ],
  ...[
    column('None', 'string', '.spec.none.deeper'),
    column('Last', 'string', '.spec.list[-1:]'),
    column('Format', 'integer', '.spec.size', { format: 'int64' }),
  ],
]
const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const schema = { openAPIV3Schema: { type: 'object', properties: { spec: free, status: free } } }
const version = (name: string, storage: boolean, more: Json = {}) => ({ name, served: true, storage, schema, ...more })

const definitions = [
  {
    plural: 'shows',
    kind: 'Show',
    versions: [version('v1', true, { additionalPrinterColumns: columns }), version('v2', false)],
  },
  { plural: 'plains', kind: 'Plain', versions: [version('v1', true)] },
]
const specs: Record<string, Json> = {
  full: {
    ...{ size: 3, weight: 1.5, text: 'words', flag: true, when: someTime, list: ['x', 'y'], map: { 'a.b': 'c', n: 1 } },
    items: [
      { name: 'a', value: 1 },
      { name: 'b', value: [1, 'z'] },
    ],
  },
  odd: { size: '3', weight: 7, text: '', flag: 'yes', when: 'yesterday', list: [], map: {}, items: [] },
  nulls: { size: null, weight: 1e21, text: null, flag: false, list: [null, { a: 1 }], items: [{ name: 'b' }] },
  large: {
    size: 4_000_000_000,
    weight: 0.1,
    text: 'a\nb',
    when: '2001-02-03',
    list: [1, 2.5, true],
    items: [{ name: 'b', value: 'v' }],
  },
  none: {},
}

/** Definitions with columns of their own, made on both, and objects for them. */
export async function customExhibits(both: Both): Promise<Exhibit[]> {
  for (const side of [both.ours, both.theirs]) {
    for (const { plural, kind, versions } of definitions)
      await side.json('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        metadata: { name: `${plural}.gallery.example` },
        spec: { group: 'gallery.example', scope: 'Namespaced', names: { plural, kind }, versions },
      })
    for (const { plural } of definitions)
      for (let i = 0; i < 150; i++) {
        const answer = await side.ask({ method: 'GET', path: `/apis/gallery.example/v1/${plural}` })
        if (answer.status === 200) break
        await pause(200)
      }
  }
  return definitions.flatMap(({ plural, kind, versions }) =>
    versions.flatMap(({ name: v }) =>
      Object.entries(specs).map(([name, spec]) => ({
        path: `/apis/gallery.example/${v}/namespaces/${namespace}/${plural}`,
        body: {
          apiVersion: `gallery.example/${v}`,
          kind,
          metadata: { name: `${name}-${v}`, labels: { a: 'b' } },
          spec,
        },
      })),
    ),
  )
}
