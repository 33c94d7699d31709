import type { Case, Program } from '../program.ts'
import type { Json } from '../side.ts'
import { type Told, toldBy } from '../told.ts'
import { customExhibits } from './custom.ts'
import { namespace } from './exhibit.ts'
import { gallery, hang } from './gallery.ts'

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const binary = 'application/vnd.kubernetes.protobuf'
const partial = (form: string, type = 'application/json') => `${type};as=${form};g=meta.k8s.io;v=v1`
const oneForms = [
  ...['application/json', 'application/yaml', binary, `${table};v=v1beta1`, partial('PartialObjectMetadata')],
  ...[partial('PartialObjectMetadata', binary), partial('Table', binary), `${table},application/json`],
]
const listForms = [
  ...['application/json', binary, partial('PartialObjectMetadataList'), partial('PartialObjectMetadataList', binary)],
  ...[partial('PartialObjectMetadata'), `${table},application/json`],
]

export const tables: Program = {
  name: 'tables',
  about:
    'Objects with something to show, of every kind, in every form: tables, metadata alone, YAML, protobuf; read, listed and watched.',
  width: 60,
  async *cases(both) {
    const exhibits = [...(await gallery()), ...(await customExhibits(both))]
    for (const side of [both.ours, both.theirs]) {
      await hang(side, exhibits)
      await side.ask({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}/pods/going` })
    }
    for (const { path, body } of exhibits) {
      for (const includeObject of ['', 'None', 'Object', 'Metadata'])
        yield read(`${path}/${body.metadata.name}`, table, [body.metadata.name], { includeObject })
      for (const accept of oneForms) yield read(`${path}/${body.metadata.name}`, accept, [body.metadata.name])
    }
    for (const path of new Set(exhibits.map(exhibit => exhibit.path))) {
      const names = exhibits.filter(exhibit => exhibit.path === path).map(({ body }) => body.metadata.name)
      for (const at of [path, path.replace(`/namespaces/${namespace}`, '')]) {
        for (const includeObject of ['', 'None', 'Object', 'Metadata']) yield read(at, table, names, { includeObject })
        for (const accept of listForms) yield read(at, accept, names)
        for (const includeObject of ['', 'None', 'Object'])
          yield read(at, table, names, { watch: 'true', includeObject, timeoutSeconds: '1' })
        for (const accept of [
          binary,
          `${binary};stream=watch`,
          partial('PartialObjectMetadata', binary),
          partial('PartialObjectMetadata'),
        ])
          yield read(at, accept, names, { watch: 'true', timeoutSeconds: '1' })
      }
    }
  },
}

function read(path: string, accept: string, names: readonly string[], query: Record<string, string> = {}): Case {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value))
  const at = words.size ? `${path}?${words}` : path
  return {
    what: `tables: ${at} as ${accept}`,
    ask: async side => onlyMade(toldBy(await side.ask({ method: 'GET', path: at, accept }), side), names),
  }
}

/** Of lists and watches what was made here, by name: each server has objects of its own beside them, and promises no order of watches. */
function onlyMade(told: Told, names: readonly string[]): Told {
  const { body } = told
  const made = (all: Json[]): Json[] => all.filter(one => nameIn(one, names) !== undefined)
  const byName = (all: Json[]): Json[] =>
    made(all.map(withoutColumns)).sort((a, b) => (nameIn(a, names)! < nameIn(b, names)! ? -1 : 1))
  if (Array.isArray(body?.items)) return { ...told, body: { ...body, items: made(body.items) } }
  if (Array.isArray(body?.rows)) return { ...told, body: { ...body, rows: made(body.rows) } }
  const binaryItems = body?.envelope?.[2]?.[2]
  if (Array.isArray(binaryItems)) return { ...told, body: { items: made(binaryItems) } }
  if (Array.isArray(body)) return { ...told, body: byName(body) }
  return body?.type && body.object ? { ...told, body: byName([body]) } : told
}

function nameIn(one: Json, names: readonly string[]): string | undefined {
  const text = JSON.stringify(one)
  return names.find(name => text.includes(`"${name}"`))
}

/** The first event of a watch has them, whichever that is. */
function withoutColumns(event: Json): Json {
  if (!event.object?.columnDefinitions) return event
  return { ...event, object: { ...event.object, columnDefinitions: '<columns>' } }
}
