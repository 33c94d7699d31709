import type { Case, Program } from '../program.ts'
import { Schemas, type ServedKind } from '../schemas.ts'
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
  async *cases(both, { every, only }) {
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
          if (count++ % every === 0) yield* asked(kind, one, theirs)
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

/** What both write of it, and what both read of the bytes that Kubernetes wrote. */
function* asked(kind: ServedKind, { what, body }: Body, theirs: Side): Iterable<Case> {
  const path = pathOf(kind)
  let bytes: Promise<Buffer | undefined> | undefined
  const written = (side: Side) => side.ask({ method: 'POST', path, body, accept: binary })
  const fromKubernetes = () => {
    bytes ??= written(theirs).then(answer => (answer.status === 201 ? answer.bytes : undefined))
    return bytes
  }
  yield { what: `${what}, as protobuf`, ask: async side => withoutRefusals(toldBy(await written(side), side)) }
  yield {
    what: `${what}, from protobuf`,
    async ask(side) {
      const sent = await fromKubernetes()
      if (!sent) return refused
      return withoutRefusals(toldBy(await side.ask({ method: 'POST', path, body: sent, type: binary }), side))
    },
  }
}

/** What is refused, and with what words, is asked by `writes`. */
const refused: Told = { status: 400, headers: {}, body: '<refused>' }
const withoutRefusals = (told: Told): Told => (told.status >= 400 ? { ...refused, status: told.status } : told)
