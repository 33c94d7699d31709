import type { Case, Program } from '../program.ts'
import type { Json, Side } from '../side.ts'
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
        yield read(`${path}/${body.metadata.name}`, table, { includeObject })
      for (const accept of oneForms) yield read(`${path}/${body.metadata.name}`, accept)
    }
    const paths = new Set(exhibits.map(({ path }) => path))
    for (const path of paths)
      for (const at of [path, path.replace(`/namespaces/${namespace}`, '')]) {
        for (const includeObject of ['', 'None', 'Object', 'Metadata']) yield read(at, table, { includeObject })
        for (const accept of listForms) yield read(at, accept)
        for (const includeObject of ['', 'None', 'Object'])
          yield read(at, table, { watch: 'true', includeObject, timeoutSeconds: '1' })
        for (const accept of [
          binary,
          `${binary};stream=watch`,
          partial('PartialObjectMetadata', binary),
          partial('PartialObjectMetadata'),
        ])
          yield read(at, accept, { watch: 'true', timeoutSeconds: '1' })
      }
  },
}

function read(path: string, accept: string, query: Record<string, string> = {}): Case {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value))
  const at = words.size ? `${path}?${words}` : path
  return {
    what: `tables: ${at} as ${accept}`,
    ask: async side => onlyOurs(toldBy(await side.ask({ method: 'GET', path: at, accept }), side), side),
  }
}

/** Of lists and watches only what was made here: each server has objects of its own beside them. */
function onlyOurs(told: Told, _side: Side): Told {
  const { body } = told
  if (Array.isArray(body?.items)) return { ...told, body: { ...body, items: body.items.filter(isMade) } }
  if (Array.isArray(body?.rows)) return { ...told, body: { ...body, rows: body.rows.filter(isMade) } }
  if (Array.isArray(body)) return { ...told, body: sorted(body.filter(isMade)) }
  return told
}

const isMade = (one: Json): boolean => {
  const text = JSON.stringify(one)
  return text.includes(`"${namespace}"`) || !text.includes('"kube-') || text.includes('gallery')
}

/** The order of what was there before a watch is no promise. */
const sorted = (events: Json[]): Json[] =>
  events
    .map(event => [JSON.stringify(event), event] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, event]) => event)
