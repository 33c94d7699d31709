import type { Schemas, ServedKind } from '../schemas.ts'
import type { Json, Question, Side } from '../side.ts'
import type { Mutation } from './mutations.ts'
import { jsonPatch, mergePatch, strategicPatch } from './patches.ts'
import type { Place } from './places.ts'
import { withMutation } from './put.ts'

/** What a mutation is sent by, and to what. */
export interface Subject {
  schemas: Schemas
  kind: ServedKind
  /** What the object on both servers was made of. */
  body: Json
  place: Place
  mutation: Mutation
}

export interface Operation {
  name: string
  /** What is asked of one server; undefined where the operation has no words for the mutation. Nothing is kept of it. */
  question(subject: Subject, side: Side): Question | undefined
}

export const namespace = 'compare'
const dry = 'dryRun=All&fieldManager=m'

export function pathOf({ group, version, namespaced, plural }: ServedKind): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  return `${root}/${namespaced ? `namespaces/${namespace}/` : ''}${plural}`
}

const objectPath = (kind: ServedKind, body: Json, sub = '') =>
  `${pathOf(kind)}/${body.metadata.name}${sub && `/${sub}`}`
const live = ({ kind }: Subject, side: Side): Json => side.kept.get(kind.name)
const mutated = ({ schemas, kind, place, mutation }: Subject, base: Json) =>
  withMutation(schemas, kind.schema, base, place, mutation)

const create: Operation = {
  name: 'create',
  question: subject => ({
    method: 'POST',
    path: `${pathOf(subject.kind)}?${dry}`,
    body: renamed(mutated(subject, subject.body)),
  }),
}

const strictCreate: Operation = {
  name: 'strict create',
  question: subject =>
    subject.mutation.name === 'unknown'
      ? {
          method: 'POST',
          path: `${pathOf(subject.kind)}?${dry}&fieldValidation=Strict`,
          body: renamed(mutated(subject, subject.body)),
        }
      : undefined,
}

const update = (sub: string): Operation => ({
  name: sub ? `update ${sub}` : 'update',
  question: (subject, side) => ({
    method: 'PUT',
    path: `${objectPath(subject.kind, subject.body, sub)}?${dry}`,
    body: mutated(subject, live(subject, side)),
  }),
})

const patch = (
  name: string,
  type: string,
  sub: string,
  bodyOf: (schemas: Schemas, kind: ServedKind, live: Json, place: Place, mutation: Mutation) => Json,
): Operation => ({
  name: sub ? `${name} ${sub}` : name,
  question: (subject, side) => {
    const body = bodyOf(subject.schemas, subject.kind, live(subject, side), subject.place, subject.mutation)
    return body && { method: 'PATCH', path: `${objectPath(subject.kind, subject.body, sub)}?${dry}`, type, body }
  },
})

const patches = (sub: string) => [
  patch('merge patch', 'application/merge-patch+json', sub, mergePatch),
  patch('strategic patch', 'application/strategic-merge-patch+json', sub, strategicPatch),
  patch('JSON patch', 'application/json-patch+json', sub, jsonPatch),
]

const apply = (sub: string): Operation => ({
  name: sub ? `apply ${sub}` : 'apply',
  question: subject => ({
    method: 'PATCH',
    path: `${objectPath(subject.kind, subject.body, sub)}?dryRun=All&fieldManager=applier&force=true`,
    type: 'application/apply-patch+yaml',
    body: mutated(subject, sub ? { ...subject.body, spec: undefined } : subject.body),
  }),
})

const applyNew: Operation = {
  name: 'apply a new one',
  question: subject => {
    const body = renamed(mutated(subject, subject.body))
    return {
      method: 'PATCH',
      path: `${objectPath(subject.kind, body)}?dryRun=All&fieldManager=applier&force=true`,
      type: 'application/apply-patch+yaml',
      body,
    }
  },
}

export const mainOperations: readonly Operation[] = [
  create,
  strictCreate,
  update(''),
  ...patches(''),
  apply(''),
  applyNew,
]
export const statusOperations: readonly Operation[] = [update('status'), ...patches('status'), apply('status')]

/** Another object than the one that is there, where its name is free to choose. */
function renamed(body: Json): Json {
  const fixed = ['CustomResourceDefinition', 'APIService'].includes(body.kind)
  return fixed || !body.metadata ? body : { ...body, metadata: { ...body.metadata, name: `${body.metadata.name}-2` } }
}
