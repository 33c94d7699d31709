import { pause } from '../../support/statistics.ts'
import type { Case, Program } from '../program.ts'
import { Schemas, type ServedKind } from '../schemas.ts'
import type { Both } from '../servers.ts'
import type { Json, Question, Side } from '../side.ts'
import { type Told, toldBy } from '../told.ts'
import { baseBodies } from './bases.ts'
import { mutationsOf } from './mutations.ts'
import { mainOperations, namespace, pathOf, statusOperations } from './operations.ts'
import { placesOf } from './places.ts'
import { valueAt } from './put.ts'

const headers = ['content-type', 'warning']

export const writes: Program = {
  name: 'writes',
  about:
    'A valid object of each kind; then each field of its schema absent, null, of another type, empty, out of range, doubled, unknown, by creates, ' +
    'updates, the three patches and server-side apply, and the same on /status. Dry runs, which answer what would be stored.',
  async *cases(both, { every, offset, only }) {
    const schemas = await Schemas.of(both.theirs)
    const bodyOf = await baseBodies()
    for (const side of [both.ours, both.theirs]) {
      await side.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
      await side.json('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    }
    let count = 0
    for (const kind of schemas.kinds) {
      const base = bodyOf(kind)
      if (!base && kind.plural !== 'bindings') console.log(`no valid object of ${kind.name} is known`)
      if (!base || (only !== undefined && !only.startsWith(kind.plural) && !kind.plural.startsWith(only))) continue
      yield* made(both, kind, base)
      if (!both.ours.kept.has(kind.name) || !both.theirs.kept.has(kind.name)) continue
      for (const one of [
        ...mutated(both, schemas, kind, base.body, ''),
        ...mutated(both, schemas, kind, base.body, 'status'),
      ])
        if (count++ % every === offset) yield one
    }
  },
}

/** The object itself, for real. What it is mutated from afterwards is what each server stored. */
async function* made(
  both: Both,
  kind: ServedKind,
  { body, status }: { body: Json; status: Json },
): AsyncIterable<Case> {
  const sides = [both.ours, both.theirs]
  const object = `${pathOf(kind)}/${body.metadata.name}`
  const done = async (what: string, question: Question): Promise<Case> => {
    const told = new Map<Side, Told>()
    for (const side of sides) told.set(side, toldBy(await side.ask(question), side, headers))
    return { what: `${kind.plural}: ${what}`, ask: async side => told.get(side)! }
  }
  yield await done('create', { method: 'POST', path: `${pathOf(kind)}?fieldManager=m`, body })
  if (status && kind.subresources.includes('status')) {
    const question = {
      method: 'PATCH',
      path: `${object}/status?fieldManager=m`,
      type: 'application/merge-patch+json',
      body: { status },
    }
    yield await done('merge patch status', question)
  }
  // Their own controllers write to these.
  if (/^api|^flow/.test(kind.group)) await pause(2_000)
  for (const side of sides) {
    const answer = await side.ask({ method: 'GET', path: object })
    if (answer.status === 200) side.kept.set(kind.name, JSON.parse(answer.text))
    else console.log(`${side.name} has no ${object}: ${answer.text.slice(0, 300)}`)
  }
}

/** Each place, mutated in each way, by each operation. */
function* mutated(both: Both, schemas: Schemas, kind: ServedKind, body: Json, part: '' | 'status'): Iterable<Case> {
  if (part && !(kind.subresources.includes(part) && kind.schema.properties?.[part])) return
  // Of its own, the object that is there has what each server made up.
  const known = part ? both.theirs.kept.get(kind.name) : body
  for (const place of placesOf(schemas, kind.name, kind.schema, part)) {
    const last = place.steps.at(-1)!
    const field = 'field' in last ? last.field : ''
    for (const mutation of mutationsOf(schemas, place.schema, field, valueAt(known, place.steps)))
      for (const operation of part ? statusOperations : mainOperations) {
        const subject = { schemas, kind, body, place, mutation }
        if (!operation.question(subject, both.theirs)) continue
        yield {
          what: `${kind.plural}: ${operation.name}, ${place.text} ${mutation.name}`,
          ask: async side => toldBy(await side.ask(operation.question(subject, side)!), side, headers),
        }
      }
  }
}
