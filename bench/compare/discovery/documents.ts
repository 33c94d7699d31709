import type { Case } from '../program.ts'
import type { Json, Side } from '../side.ts'
import { type Told, toldBy } from '../told.ts'

/** OpenAPI: each definition and each path of each document is a case. */
export async function* documents(theirs: Side, versions: readonly string[]): AsyncIterable<Case> {
  const { paths } = await theirs.json('GET', '/openapi/v3')
  yield {
    what: 'discovery: /openapi/v3, which documents Kubernetes has',
    async ask(side) {
      const told = toldBy(await side.ask({ method: 'GET', path: '/openapi/v3' }), side)
      const found = Object.keys(told.body.paths).filter(path => path in paths)
      return { ...told, headers: {}, body: found.sort() }
    },
  }
  yield* partsOf(theirs, '/openapi/v2')
  for (const path of Object.keys(paths)) {
    if (!versions.includes(`/${path}`)) yield* partsOf(theirs, `/openapi/v3/${path}`)
    else {
      yield hashed(path)
      yield* partsOf(theirs, `/openapi/v3/${path}`)
    }
  }
}

/** With the digest in its address a document may be kept for ever. */
function hashed(path: string): Case {
  return {
    what: `discovery: /openapi/v3/${path} by its digest`,
    async ask(side) {
      const root = await side.json('GET', '/openapi/v3')
      const address: string = root.paths[path]?.serverRelativeURL ?? ''
      const answer = await side.ask({ method: 'GET', path: address })
      const wrong = await side.ask({ method: 'GET', path: address.replace(/hash=.{4}/, 'hash=0000') })
      const headers = (one: typeof answer) => ({
        cache: one.headers['cache-control'],
        vary: one.headers.vary,
        type: one.headers['content-type'],
        expires: one.headers.expires !== undefined,
        etag: one.headers.etag?.replace(/[0-9A-F]/g, 'X'),
        modified: one.headers['last-modified'] !== undefined,
      })
      const body = {
        address: address.replace(/[0-9A-F]{128}/, '<hash>'),
        wrong: [wrong.status, wrong.headers.location?.replace(/[0-9A-F]{128}/, '<hash>')],
      }
      return { status: answer.status, headers: headers(answer), body }
    },
  }
}

const shared = new WeakMap<Side, Map<string, Promise<Told>>>()

function documentOf(side: Side, path: string): Promise<Told> {
  const kept = shared.get(side) ?? new Map<string, Promise<Told>>()
  shared.set(side, kept)
  const found = kept.get(path) ?? side.ask({ method: 'GET', path }).then(answer => toldBy(answer, side))
  kept.set(path, found)
  return found
}

/** What it says without its words, and without the order of what has none. */
function plain(value: Json, key = ''): Json {
  if (Array.isArray(value)) {
    const items = value.map(item => plain(item))
    return key === 'required' ? items.sort() : items
  }
  if (value === null || typeof value !== 'object')
    return key === 'description' && typeof value === 'string' ? '<words>' : value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, name)]))
}

/** Of an operation and of its path, by their names. */
function parametersOf(document: Json, path: string, method: string): Json {
  const { [path]: at = {} } = document.paths
  const all = [...(at.parameters ?? []), ...(at[method]?.parameters ?? [])]
  const resolved = all.map(({ $ref, ...own }: Json) => document.parameters?.[$ref?.split('/').at(-1)] ?? own)
  return Object.fromEntries(resolved.map(({ name, ...rest }: Json) => [name, plain(rest)]))
}

function operationOf(document: Json, path: string, method: string): Json {
  const operation = document.paths[path]?.[method]
  return operation && { ...plain(operation), parameters: parametersOf(document, path, method) }
}

async function* partsOf(theirs: Side, path: string): AsyncIterable<Case> {
  const part = (what: string, of: (document: Json) => Json): Case => ({
    what: `discovery: ${path}, ${what}`,
    async ask(side) {
      const { status, body } = await documentOf(side, path)
      return { status, headers: {}, body: status === 200 ? of(body) : body }
    },
  })
  const { body } = await documentOf(theirs, path)
  yield part('all but its parts', ({ paths: _, definitions: __, parameters: ___, components, ...rest }) => ({
    ...rest,
    components: components && Object.keys(components).sort(),
  }))
  for (const name of Object.keys(body.paths ?? {}))
    for (const method of Object.keys(body.paths[name]).filter(key => key !== 'parameters'))
      yield part(`${method} of ${name}`, document => operationOf(document, name, method))
  const schemasOf = (document: Json): Json => document.definitions ?? document.components?.schemas ?? {}
  for (const name of Object.keys(schemasOf(body)))
    yield part(`schema ${name}`, document => plain(schemasOf(document)[name]))
}
