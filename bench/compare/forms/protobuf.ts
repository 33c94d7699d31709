import type { Case, Program } from '../program.ts'
import { Schemas, type ServedKind } from '../schemas.ts'
import type { Both } from '../servers.ts'
import type { Json, Side } from '../side.ts'
import { type Told, toldBy } from '../told.ts'
import { baseBodies } from '../writes/bases.ts'
import { mutationsOf } from '../writes/mutations.ts'
import { type Place, placesOf } from '../writes/places.ts'
import { valueAt, withMutation } from '../writes/put.ts'

const binary = 'application/vnd.kubernetes.protobuf'
const namespace = 'protobuf'
/** Values that are something of their own in bytes: what is there and empty, and what is not there. */
const chosen = new Set([
  'absent',
  'set',
  'empty',
  'zero',
  'false',
  'true',
  'empty list',
  'doubled',
  'empty object',
  'fine',
  'percent',
  'two',
  'holds empty',
])

export const protobuf: Program = {
  name: 'protobuf',
  about:
    'Each field of each kind set, absent and empty, and the object in protobuf: what a server writes, and what it reads of those bytes.',
  async *cases(both, { every, offset, only }) {
    const { ours, theirs } = both
    const schemas = await Schemas.of(theirs)
    const bodyOf = await baseBodies()
    for (const side of [ours, theirs]) {
      await side.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
      await side.json('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    }
    let count = 0
    for (const kind of schemas.kinds) {
      const base = bodyOf(kind)
      if (!base || (only !== undefined && !only.startsWith(kind.plural) && !kind.plural.startsWith(only))) continue
      for (const place of placesOf(schemas, kind.name, kind.schema, ''))
        for (const one of bodies(schemas, kind, base.body, place))
          if (count++ % every === offset) yield* asked(kind, one, both)
    }
  },
}

interface Body {
  what: string
  body: Json
}

function* bodies(schemas: Schemas, kind: ServedKind, base: Json, place: Place): Iterable<Body> {
  const last = place.steps.at(-1)!
  const mutations = mutationsOf(schemas, place.schema, 'field' in last ? last.field : '', valueAt(base, place.steps))
  for (const mutation of mutations.filter(({ name }) => chosen.has(name))) {
    const body = withMutation(schemas, kind.schema, base, place, mutation)
    if (kind.namespaced) body.metadata = { ...body.metadata, namespace }
    if (!['CustomResourceDefinition', 'APIService'].includes(body.kind))
      body.metadata = { ...body.metadata, name: 'new' }
    yield { what: `${kind.plural}: ${place.text} ${mutation.name}`, body }
  }
}

function pathOf({ group, version, namespaced, plural }: ServedKind): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  return `${root}/${namespaced ? `namespaces/${namespace}/` : ''}${plural}?dryRun=All&fieldManager=m`
}

/** What both write of it, and what Kubernetes reads of either's bytes, and ours of those of Kubernetes. */
function* asked(kind: ServedKind, { what, body }: Body, { ours, theirs }: Both): Iterable<Case> {
  const path = pathOf(kind)
  const bytes = new Map<Side, Promise<Buffer | undefined>>()
  const written = (side: Side) => side.ask({ method: 'POST', path, body, accept: binary })
  const bytesOf = (side: Side) => {
    const known = bytes.get(side) ?? written(side).then(({ status, bytes: b }) => (status === 201 ? b : undefined))
    bytes.set(side, known)
    return known
  }
  const read = async (reader: Side, writer: Side): Promise<Told> => {
    const sent = await bytesOf(writer)
    if (!sent) return refused
    return withoutRefusals(toldBy(await reader.ask({ method: 'POST', path, body: sent, type: binary }), reader))
  }
  yield { what: `${what}, as protobuf`, ask: async side => withoutRefusals(toldBy(await written(side), side)) }
  yield { what: `${what}, read of the bytes of Kubernetes`, ask: side => read(side, theirs) }
  // What is empty and what is absent is the same in neither's bytes alone: whether nothing is lost is seen by who reads both.
  yield { what: `${what}, read by Kubernetes of our bytes`, ask: side => read(theirs, side === ours ? ours : theirs) }
}

/** What is refused, and with what words, is asked by `writes`. */
const refused: Told = { status: 400, headers: {}, body: '<refused>' }
const withoutRefusals = (told: Told): Told => (told.status >= 400 ? { ...refused, status: told.status } : told)
