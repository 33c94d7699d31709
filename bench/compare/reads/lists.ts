import type { Case, Program } from '../program.ts'
import { toldBy } from '../told.ts'
import { accepts } from './accepts.ts'
import { combined, configMaps, namespace, queryOf, setScene, things, wordsOf } from './scene.ts'

const versions = ['', '0', '{first}', '{middle}', '{last}', '{future}', 'x', '-1', '1.5', 'nothing']
const selectors: Record<string, string>[] = [
  ...[
    'tier=one',
    'tier in (one,two)',
    '!tier',
    'tier notin (one)',
    'tier=',
    'tier=a=b',
    'a b',
    'x>1',
    'tier=,',
    '-x',
    'x/y/z',
  ].map(labelSelector => ({ labelSelector })),
  ...[
    'metadata.name=a',
    'metadata.name!=a',
    'metadata.namespace=read',
    'data.k=a',
    'metadata.name',
    'a=b=c',
    ',',
    'metadata.name=a,metadata.name=c',
  ].map(fieldSelector => ({ fieldSelector })),
]

export const lists: Program = {
  name: 'lists',
  about:
    'Lists and gets: versions, matches, limits, continue tokens, selectors and forms of the answer, of objects with a past.',
  width: 24,
  async *cases(both) {
    await setScene(both)
    for (const path of [configMaps, things]) {
      const matches = ['', 'Exact', 'NotOlderThan', 'Nonsense', 'nothing']
      for (const query of combined({
        resourceVersion: versions,
        resourceVersionMatch: matches,
        limit: ['', '2', '0', '-1', 'x'],
      }))
        yield listed(path, query)
      for (const query of combined({
        resourceVersion: ['', '0', '{last}'],
        resourceVersionMatch: ['', 'Exact'],
        limit: ['', '1'],
        continue: ['{token}', 'nonsense', 'e30', 'nothing'],
      }))
        yield listed(path, query)
      for (const selector of selectors)
        for (const query of combined({ limit: ['', '1'], resourceVersion: ['', '0'] }))
          yield listed(path, { ...selector, ...query })
      for (const name of [
        'sendInitialEvents',
        'allowWatchBookmarks',
        'timeoutSeconds',
        'pretty',
        'watch',
        'nonsense',
        'timeout',
      ])
        for (const value of ['true', '0', 'x', 'nothing'])
          yield listed(path, name === 'watch' && value === 'true' ? {} : { [name]: value })
      for (const accept of accepts)
        for (const at of [path, `${path}/a`, `${path}/none`, path.replace(namespace, 'empty')])
          for (const query of combined({ includeObject: ['', 'None', 'Object', 'Metadata', 'x'] }))
            if (!query['includeObject'] || accept.includes('Table')) yield listed(at, query, accept)
      for (const resourceVersion of versions) yield listed(`${path}/a`, { resourceVersion })
      for (const at of [
        path.replace(`/namespaces/${namespace}`, ''),
        path.replace(namespace, 'none'),
        path.replace(namespace, 'empty'),
      ])
        for (const query of combined({ limit: ['', '2'], fieldSelector: ['', `metadata.namespace=${namespace}`] }))
          yield listed(at, query)
    }
  },
}

function listed(path: string, query: Record<string, string>, accept?: string): Case {
  return {
    what: `lists: ${path}?${wordsOf(query)}${accept ? ` as ${accept}` : ''}`,
    ask: async side =>
      toldBy(
        await side.ask({ method: 'GET', path: `${path}?${queryOf(query, side)}`, ...(accept ? { accept } : {}) }),
        side,
      ),
  }
}
