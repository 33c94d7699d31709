import type { Subresource } from '../../models/kind.ts'
import type { Operation, QueryParameter } from './operation.ts'

const streams = ['container', 'stderr', 'stdin', 'stdout', 'tty'] as const
const connected: Partial<Record<Subresource, { methods: Operation['method'][]; query: QueryParameter[] }>> = {
  attach: { methods: ['get', 'post'], query: [...streams] },
  exec: { methods: ['get', 'post'], query: ['command', ...streams] },
  portforward: { methods: ['get', 'post'], query: ['ports'] },
  proxy: { methods: ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'], query: ['path'] },
}

type Base = Pick<Operation, 'path' | 'gvk' | 'pathParameters' | 'custom' | 'query' | 'also'>

/** What leads to a running pod, a service or a node: streams and answers of theirs, which no schema describes. */
export function connectOperations(
  name: Subresource,
  base: Base,
  named: (method: string) => Pick<Operation, 'id' | 'tag'>,
): Operation[] {
  const known = connected[name]
  if (!known) return []
  const places: { base: Base; suffix: string }[] = [{ base, suffix: '' }]
  if (name === 'proxy')
    places.push({
      base: { ...base, path: `${base.path}/{path}`, pathParameters: [...base.pathParameters, 'path'] },
      suffix: 'WithPath',
    })
  return places.flatMap(({ base: place, suffix }) =>
    known.methods.map(method => {
      const { id, tag } = named(method)
      const description = `Connect by ${method.toUpperCase()} to ${name}`
      return { ...place, method, action: 'connect', id: id + suffix, tag, query: known.query, description }
    }),
  )
}
