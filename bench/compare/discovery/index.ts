import type { Case, Program } from '../program.ts'
import { accepts } from '../reads/accepts.ts'
import type { Json, Question, Side } from '../side.ts'
import { type Told, toldBy } from '../told.ts'
import { documents } from './documents.ts'
import { healthPaths, otherPaths } from './paths.ts'

const aggregated = (version: string, type = 'application/json') =>
  `${type};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
const protobuf = 'application/vnd.kubernetes.protobuf'
/** What clients of several ages ask for. */
const forms = [
  ...[aggregated('v2'), aggregated('v2beta1'), aggregated('v2', protobuf), aggregated('v2beta1', protobuf)],
  `${aggregated('v2')},${aggregated('v2beta1')},application/json`,
  `${aggregated('v2', protobuf)},${aggregated('v2')},application/json`,
  ...[aggregated('v1'), `${aggregated('v1')},application/json`, `${aggregated('v2')};profile=nopeer`],
  ...['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscovery', 'application/json;as=APIGroupDiscoveryList'],
]

export const discovery: Program = {
  name: 'discovery',
  about: 'What there is: groups, resources, schemas, health, versions, keys, and paths that there are not.',
  async *cases({ theirs }) {
    const versions = await groupVersions(theirs)
    for (const path of ['/api', '/apis']) {
      for (const accept of [...forms, ...accepts]) {
        yield asked({ path, accept })
        yield* inParts(path, accept)
        yield unchanged(path, accept)
      }
    }
    for (const path of versions) {
      yield* resourcesOf(theirs, path)
      yield asked({ path: path.replace(/\/[^/]*$/, '') })
      yield asked({ path: `${path}/nothing` })
    }
    for (const path of ['/api/v1', '/apis/apps', '/apis/apps/v1', '/version', '/openapi/v3', '/openapi/v2'])
      for (const accept of accepts) yield asked({ path, accept })
    for (const path of [...otherPaths, ...healthPaths])
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']) yield asked({ method, path })
    yield* documents(theirs, versions)
  },
}

/** Lists of groups are compared a group at a time, and their order. */
const isAggregated = (accept: string) => accept.includes('APIGroupDiscoveryList')

function asked(question: Partial<Question> & { path: string }): Case {
  const { method = 'GET', path, accept } = question
  return {
    what: `discovery: ${method} ${path}${accept ? ` as ${accept}` : ''}`,
    ask: async side => withoutLists(withoutTags(toldBy(await side.ask({ method, ...question }), side))),
  }
}

/** A tag is a digest of the whole, which has groups of each server's own in it. */
function withoutTags(told: Told): Told {
  const etag = told.headers['etag']
  if (typeof etag !== 'string') return told
  return { ...told, headers: { ...told.headers, etag: etag.replace(/[0-9A-F]/g, 'X') } }
}

function withoutLists(told: Told): Told {
  const { body } = told
  if (body?.kind === 'APIGroupDiscoveryList' || body?.kind === 'APIGroupList')
    return { ...told, body: { ...body, [body.items ? 'items' : 'groups']: '<groups>' } }
  if (body?.paths && !body.openapi && !body.swagger) return { ...told, body: '<paths>' }
  if (body?.swagger || body?.openapi) return { ...told, body: '<document>' }
  return told
}

/** Each group of a list. */
function* inParts(path: string, accept: string): Iterable<Case> {
  if (!isAggregated(accept) || accept.includes('protobuf')) return
  for (const group of groupNames) {
    yield {
      what: `discovery: ${path}, group "${group}" as ${accept}`,
      async ask(side) {
        const told = toldBy(await side.ask({ method: 'GET', path, accept }), side)
        const all: Json[] = told.body?.items ?? told.body?.groups ?? []
        const body = all.find(one => (one.metadata?.name ?? one.name ?? '') === group)
        return { ...told, headers: {}, body }
      },
    }
  }
}

/** Asked again with the tag of the first answer. */
function unchanged(path: string, accept: string): Case {
  return {
    what: `discovery: ${path} again with If-None-Match as ${accept}`,
    async ask(side) {
      const first = await side.ask({ method: 'GET', path, accept })
      const { etag } = first.headers
      const answers = []
      for (const tag of etag ? [etag, `W/${etag}`, `"x", ${etag}`, '*', '"x"'] : []) {
        const answer = await side.ask({ method: 'GET', path, accept, headers: { 'if-none-match': tag } })
        answers.push({ ...withoutTags(toldBy(answer, side)), body: answer.text.length > 0 })
      }
      return { status: first.status, headers: {}, body: answers }
    },
  }
}

const groupNames = new Set<string>([''])

async function groupVersions(side: Side): Promise<string[]> {
  const { groups } = await side.json('GET', '/apis')
  for (const { name } of groups) groupNames.add(name)
  return [
    '/api/v1',
    ...groups.flatMap(({ name, versions }: Json) => versions.map(({ version }: Json) => `/apis/${name}/${version}`)),
  ]
}

/** Each resource of a version, and which there are. */
async function* resourcesOf(theirs: Side, path: string): AsyncIterable<Case> {
  const { resources } = await theirs.json('GET', path)
  const part = (what: string, of: (list: Json) => Json): Case => ({
    what: `discovery: ${path}, ${what}`,
    async ask(side) {
      const told = toldBy(await side.ask({ method: 'GET', path }), side)
      return { ...told, body: told.status === 200 ? of(told.body) : told.body }
    },
  })
  yield part('all but its resources', list => ({ ...list, resources: list.resources.map(({ name }: Json) => name) }))
  for (const { name } of resources)
    yield part(name, list => list.resources.find((resource: Json) => resource.name === name))
}
