import { seededRandom } from '../../../src/base/random.ts'
import type { Case, Program } from '../program.ts'
import type { Both } from '../servers.ts'
import type { Json, Question } from '../side.ts'
import { told } from '../story.ts'
import { type Field, type Subject, subjects } from './subjects.ts'

const namespace = 'apply'
const managers = ['ann', 'bob', 'cy']
const histories = 12
const stepsEach = 18

export const apply: Program = {
  name: 'apply',
  about:
    'Histories of one object: several managers apply, update and patch it and its status, in several versions, with and without force.',
  width: 4,
  async *cases(both, { every, offset }) {
    for (const side of [both.ours, both.theirs]) {
      await side.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
      // No controller makes it here, and without it Kubernetes refuses all pods.
      await side.json('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    }
    let count = 0
    for (const subject of subjects)
      for (let seed = 0; seed < histories; seed++) if (count++ % every === offset) yield* history(both, subject, seed)
  },
}

/** The same choices for the same seed. Each step is held beside; the object stands after each as the servers left it. */
async function* history(both: Both, subject: Subject, seed: number): AsyncIterable<Case> {
  const random = seededRandom(seed * 7919 + subject.name.length)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)]!
  const name = `h${seed}`
  for (let step = 0; step < stepsEach; step++) {
    const version = pick(subject.versions)
    const manager = pick(managers)
    const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`
    const items = `${root}/${subject.cluster ? '' : `namespaces/${namespace}/`}${subject.plural}`
    const sub = subject.status && random.next() < 0.2 ? '/status' : ''
    const fields = sub ? subject.status! : subject.fields
    const body: Json = { apiVersion: version, kind: subject.kind, metadata: { name } }
    if (!sub) Object.assign(body, structuredClone(step === 0 ? subject.base : random.next() < 0.4 ? subject.base : {}))
    for (let i = Math.floor(random.next() * 4); i >= 0; i--) put(body, pick(fields), pick)
    const way =
      step === 0
        ? 'apply'
        : pick(['apply', 'apply', 'apply', 'force', 'force', 'merge', 'merge', 'strategic', 'update', 'json', 'empty'])
    const question = questionOf(way, `${items}/${name}${sub}`, manager, body, pick)
    const what = `apply: ${subject.name} ${seed}.${step}, ${manager} ${way}${sub} ${version} ${JSON.stringify({ ...body, apiVersion: undefined, kind: undefined, metadata: body.metadata.labels || body.metadata.annotations || body.metadata.finalizers ? body.metadata : undefined }).slice(0, 400)}`
    // An update says what was there before, with one more thing.
    if (way === 'update') {
      const asked = await updateOf(both, `${items}/${name}${sub}`, manager, body)
      yield await told(both, what, side => asked.get(side.name)!)
    } else yield await told(both, what, question)
  }
  const root = subject.versions[0]!.includes('/') ? `/apis/${subject.versions[0]}` : `/api/${subject.versions[0]}`
  for (const version of subject.versions.slice(1)) {
    const path = `/${version.includes('/') ? 'apis' : 'api'}/${version}/${subject.cluster ? '' : `namespaces/${namespace}/`}${subject.plural}/${name}`
    yield await told(both, `apply: ${subject.name} ${seed}, at last in ${version}`, { method: 'GET', path })
  }
  await Promise.all(
    [both.ours, both.theirs].map(side =>
      side.ask({
        method: 'DELETE',
        path: `${root}/${subject.cluster ? '' : `namespaces/${namespace}/`}${subject.plural}/${name}?gracePeriodSeconds=0`,
      }),
    ),
  )
}

function questionOf(
  way: string,
  path: string,
  manager: string,
  body: Json,
  pick: <T>(all: readonly T[]) => T,
): Question {
  const at = `${path}?fieldManager=${manager}`
  if (way === 'merge')
    return {
      method: 'PATCH',
      path: at,
      type: 'application/merge-patch+json',
      body: { ...body, apiVersion: undefined, kind: undefined },
    }
  if (way === 'strategic')
    return {
      method: 'PATCH',
      path: at,
      type: 'application/strategic-merge-patch+json',
      body: { ...body, apiVersion: undefined, kind: undefined },
    }
  if (way === 'json') {
    const op = pick([
      { op: 'add', path: '/metadata/labels', value: { j: pick(['1', '2']) } },
      { op: 'remove', path: '/metadata/labels' },
      { op: 'replace', path: '/metadata/managedFields', value: [{}] },
      { op: 'add', path: '/metadata/annotations', value: { k: 'v' } },
      { op: 'remove', path: '/metadata/managedFields/0' },
    ])
    return { method: 'PATCH', path: at, type: 'application/json-patch+json', body: [op] }
  }
  const force = way === 'force' ? '&force=true' : ''
  const sent =
    way === 'empty' ? { apiVersion: body.apiVersion, kind: body.kind, metadata: { name: body.metadata.name } } : body
  return { method: 'PATCH', path: `${at}${force}`, type: 'application/apply-patch+yaml', body: sent }
}

async function updateOf(both: Both, path: string, manager: string, change: Json): Promise<Map<string, Question>> {
  const found = new Map<string, Question>()
  for (const side of [both.ours, both.theirs]) {
    const answer = await side.ask({ method: 'GET', path })
    const live = answer.status === 200 ? JSON.parse(answer.text) : {}
    found.set(side.name, { method: 'PUT', path: `${path}?fieldManager=${manager}`, body: merged(live, change) })
  }
  return found
}

/** Lists and values of the second in the place of the first's. */
function merged(one: Json, other: Json): Json {
  if (!isMap(one) || !isMap(other)) return other
  const all = { ...one }
  for (const [key, value] of Object.entries(other)) all[key] = merged(one[key], value)
  return all
}

const isMap = (value: Json) => value !== null && typeof value === 'object' && !Array.isArray(value)

function put(body: Json, [path, values]: Field, pick: <T>(all: readonly T[]) => T): void {
  const keys = path.split('.')
  let at = body
  for (const key of keys.slice(0, -1)) at = at[key] ??= {}
  at[keys.at(-1)!.replaceAll('~', '.')] = structuredClone(pick(values))
}
