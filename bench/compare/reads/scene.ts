import type { Both } from '../servers.ts'
import type { Json, Side } from '../side.ts'

export const namespace = 'read'
/** Where objects come and go while they are watched: nobody else looks there. */
export const liveNamespace = 'live'
export const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
export const things = `/apis/c.example/v1/namespaces/${namespace}/things`
const mergePatch = 'application/merge-patch+json'

/**
 * Objects with a past, made alike on both servers: created, changed and deleted ones. Each side keeps the versions that its
 * list had in between: `first`, `middle`, `last`, and `future`, which nobody has reached.
 */
export async function setScene(both: Both): Promise<void> {
  for (const side of [both.ours, both.theirs]) {
    if (side.kept.has('first')) continue
    await side.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
    for (const name of ['empty', liveNamespace]) await side.json('POST', '/api/v1/namespaces', { metadata: { name } })
    await defineThings(side)
    for (const path of [configMaps, things]) {
      for (const name of ['a', 'b', 'c', 'd']) await side.json('POST', path, named(path, name))
      await keepVersion(side, 'first')
      await side.json('PATCH', `${path}/a`, { metadata: { labels: { tier: 'two' } } }, mergePatch)
      await side.json('DELETE', `${path}/b`)
      await keepVersion(side, 'middle')
      await side.json('POST', path, named(path, 'e'))
      await side.json('PATCH', `${path}/c`, { metadata: { annotations: { seen: 'yes' } } }, mergePatch)
      await keepVersion(side, 'last')
    }
    side.kept.set('future', String(Number(side.kept.get('last')) + 1_000_000))
    const { metadata } = await side.json('GET', `${configMaps}?limit=2`)
    side.kept.set('token', metadata.continue)
  }
}

const named = (path: string, name: string): Json => ({
  apiVersion: path === things ? 'c.example/v1' : 'v1',
  kind: path === things ? 'Thing' : 'ConfigMap',
  metadata: { name, labels: { tier: name < 'c' ? 'one' : 'two', name } },
  ...(path === things ? { spec: { size: 1 } } : { data: { k: name } }),
})

async function keepVersion(side: Side, name: string): Promise<void> {
  const { metadata } = await side.json('GET', configMaps)
  side.kept.set(name, metadata.resourceVersion)
}

async function defineThings(side: Side): Promise<void> {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    },
  }
  await side.json('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'things.c.example' },
    spec: {
      ...{ group: 'c.example', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' } },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  const startedAt = performance.now()
  while ((await side.ask({ method: 'GET', path: things })).status !== 200) {
    if (performance.now() - startedAt > 30_000)
      throw new Error(`${side.name}: things.c.example is not served after 30 s`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

/** A query with this side's own versions in the place of `{first}` and the like. */
export const queryOf = (parameters: Record<string, string>, side: Side): string =>
  Object.entries(parameters)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      const text = value.replace(/\{(\w+)\}/g, (_, kept) => side.kept.get(kept))
      return `${name}=${encodeURIComponent(text === 'nothing' ? '' : text)}`
    })
    .join('&')

/** Each combination of one value of each name. */
export function* combined(values: Record<string, readonly string[]>): Iterable<Record<string, string>> {
  const [first, ...rest] = Object.entries(values)
  if (!first) return yield {}
  for (const others of combined(Object.fromEntries(rest)))
    for (const value of first[1]) yield { [first[0]]: value, ...others }
}

export const wordsOf = (parameters: Record<string, string>): string =>
  Object.entries(parameters)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
