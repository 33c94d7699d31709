import type { Subresource, Verb } from '../../models/kind.ts'
import type { Resource } from '../resources.ts'

/** How discovery shows one sub-path. */
export interface ServedSubresource {
  name: Subresource
  group: string
  version: string
  kind: string
  verbs: (Verb | string)[]
}

const connect = ['create', 'get']
const change = ['get', 'patch', 'update']
const proxied = ['create', 'delete', 'get', 'patch', 'update']

/** The sub-paths that a resource offers, with the kind that each takes or gives. */
export function subresourcesOf({ kind }: Resource): ServedSubresource[] {
  const own = (name: Subresource, verbs: string[], kindName = kind.kind): ServedSubresource => ({
    name,
    group: kind.group,
    version: kind.version,
    kind: kindName,
    verbs,
  })
  const served = (name: Subresource): ServedSubresource => {
    switch (name) {
      case 'status':
      case 'ephemeralcontainers':
      case 'approval':
      case 'resize':
        return own(name, change)
      case 'finalize':
        return own(name, ['update'])
      case 'scale':
        return { name, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: change }
      case 'binding':
        return own(name, ['create'], 'Binding')
      case 'eviction':
        return { name, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] }
      case 'token':
        return { name, group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] }
      case 'log':
        return own(name, ['get'])
      case 'exec':
        return own(name, connect, 'PodExecOptions')
      case 'attach':
        return own(name, connect, 'PodAttachOptions')
      case 'portforward':
        return own(name, connect, 'PodPortForwardOptions')
      case 'proxy':
        return own(name, proxied, `${kind.kind}ProxyOptions`)
    }
  }
  // Those of custom kinds are told in the order in which a definition has them.
  const names = [...(kind.subresources ?? [])]
  return (kind.custom ? names : names.sort()).map(served)
}
