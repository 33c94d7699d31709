import type { Case, Program } from '../program.ts'
import type { Json, Side } from '../side.ts'
import { type Told, toldBy } from '../told.ts'
import { accepts } from './accepts.ts'
import { combined, configMaps, liveNamespace, namespace, queryOf, setScene, things, wordsOf } from './scene.ts'

const legacy = configMaps.replace('/v1/', '/v1/watch/')

export const watches: Program = {
  name: 'watches',
  about:
    'Watches: versions, matches, initial events, bookmarks, selectors, time limits and forms, over what has been and over what comes meanwhile.',
  width: 60,
  async *cases(both) {
    await setScene(both)
    for (const path of [configMaps, things])
      for (const query of combined({
        resourceVersion: ['', '0', '{first}', '{middle}', '{last}', '{future}', 'x', 'nothing'],
        resourceVersionMatch: ['', 'NotOlderThan', 'Exact'],
        sendInitialEvents: ['', 'true', 'false', 'x', 'nothing'],
        allowWatchBookmarks: ['', 'true'],
        selector: path === configMaps ? ['', 'labelSelector', 'fieldSelector'] : [''],
      }))
        yield watched(path, query)
    for (const name of ['timeoutSeconds', 'limit', 'continue', 'watch', 'labelSelector', 'fieldSelector'])
      for (const value of ['1', 'x', '-1', '0', 'a=b=c', 'true'])
        if (name !== 'timeoutSeconds' || !['0', '-1'].includes(value))
          yield watched(configMaps, { resourceVersion: '{last}', [name]: value })
    for (const accept of accepts)
      for (const includeObject of ['', 'None', 'Object'])
        if (!includeObject || accept.includes('Table'))
          for (const path of [configMaps, things])
            yield watched(path, { resourceVersion: '{first}', allowWatchBookmarks: 'true', includeObject }, accept)
    for (const path of [legacy, `${legacy}/a`, `${configMaps}/a`, '/api/v1/watch/configmaps', '/api/v1/configmaps'])
      yield watched(path, { resourceVersion: '{first}' })
    yield* meanwhile()
  },
}

function watched(path: string, { selector, ...query }: Record<string, string>, accept?: string): Case {
  const all: Record<string, string> = { watch: 'true', timeoutSeconds: '1', ...query }
  if (selector) all[selector] = selector === 'labelSelector' ? 'tier=two' : 'metadata.name=a'
  return {
    what: `watches: ${path}?${wordsOf(all)}${accept ? ` as ${accept}` : ''}`,
    ask: async side => {
      const question = { method: 'GET', path: `${path}?${queryOf(all, side)}`, ...(accept ? { accept } : {}) }
      return withoutBookmarks(toldBy(await side.ask(question), side))
    },
  }
}

/** Those that come by the clock, wherever that is; what says where the beginning ends is compared. */
function withoutBookmarks(told: Told): Told {
  const events: Json[] = Array.isArray(told.body) ? told.body : told.body?.type ? [told.body] : []
  if (!events.length) return told
  const isTimed = ({ type, object }: Json) =>
    type === 'BOOKMARK' && !JSON.stringify(object).includes('initial-events-end')
  return { ...told, body: events.filter(event => !isTimed(event)) }
}

/** What is done to an object of its own while somebody watches. */
const stories: Record<string, ((side: Side, path: string, name: string) => Promise<Json>)[]> = {
  'created, changed, deleted': [create, relabel('two'), remove],
  'comes into a selection and leaves it': [create, relabel('two'), relabel('one'), relabel('two'), remove],
  'changed by nothing': [create, relabel('one'), relabel('two'), relabel('two')],
  'leaves with a finalizer': [createHeld, relabel('two'), remove, release],
  'deleted all at once': [create, removeAll],
}

function* meanwhile(): Iterable<Case> {
  let count = 0
  for (const [story, steps] of Object.entries(stories))
    for (const path of [configMaps, things].map(there => there.replace(namespace, liveNamespace)))
      for (const query of combined({ labelSelector: ['', 'tier=two', 'tier!=two'], allowWatchBookmarks: ['', 'true'] }))
        for (const accept of [
          '',
          'application/json;as=Table;v=v1;g=meta.k8s.io',
          'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
        ]) {
          const name = `live-${count++}`
          const selector = [query['labelSelector'], `name=${name}`].filter(Boolean).join(',')
          yield {
            what: `watches: ${path} while it is ${story}, ${wordsOf(query)}${accept ? ` as ${accept}` : ''}`,
            async ask(side) {
              const all = {
                ...query,
                labelSelector: selector,
                watch: 'true',
                timeoutSeconds: '15',
                resourceVersion: '{last}',
              }
              const asked = side.ask({
                method: 'GET',
                path: `${path}?${queryOf(all, side)}`,
                ...(accept ? { accept } : {}),
              })
              for (const step of steps) await step(side, path, name)
              return withoutBookmarks(toldBy(await asked, side))
            },
          }
        }
}

async function create(side: Side, path: string, name: string, finalizers: string[] = []): Promise<Json> {
  const kind = path.endsWith('/things')
    ? { apiVersion: 'c.example/v1', kind: 'Thing' }
    : { apiVersion: 'v1', kind: 'ConfigMap' }
  return side.json('POST', path, {
    ...kind,
    metadata: { name, labels: { name, tier: 'one' }, ...(finalizers.length ? { finalizers } : {}) },
  })
}

async function createHeld(side: Side, path: string, name: string): Promise<Json> {
  return create(side, path, name, ['a.example/held'])
}

function relabel(tier: string) {
  return (side: Side, path: string, name: string): Promise<Json> =>
    side.json('PATCH', `${path}/${name}`, { metadata: { labels: { tier } } }, 'application/merge-patch+json')
}

async function release(side: Side, path: string, name: string): Promise<Json> {
  return side.json('PATCH', `${path}/${name}`, { metadata: { finalizers: null } }, 'application/merge-patch+json')
}

async function remove(side: Side, path: string, name: string): Promise<Json> {
  return side.json('DELETE', `${path}/${name}`)
}

async function removeAll(side: Side, path: string, name: string): Promise<Json> {
  return side.json('DELETE', `${path}?labelSelector=name%3D${name}`)
}
