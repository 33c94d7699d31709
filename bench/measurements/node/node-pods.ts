import { demoRegistryHost } from '../../../src/main/demo-image.ts'
import type { BenchCluster } from '../../support/cluster.ts'

const namespace = '/api/v1/namespaces/default'

/** Pods of the node `bench`, each of one container that sleeps. */
export interface NodePods extends Disposable {
  /** Resolves when it is Ready. */
  start(name: string): Promise<void>
  /** Resolves when none is left. */
  clear(): Promise<void>
}

export async function openNodePods({ api }: BenchCluster): Promise<NodePods> {
  const present = new Set<string>()
  const waiting = new Map<string, () => void>()
  let empty: (() => void) | undefined
  const watch = await api.watch(`${namespace}/pods?watch=1`, line => {
    const { type, object } = JSON.parse(line)
    const { name } = object.metadata
    if (type === 'DELETED') present.delete(name)
    else present.add(name)
    if (!present.size) empty?.()
    if (object.status?.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True')) waiting.get(name)?.()
  })
  const container = { name: 'main', image: `${demoRegistryHost}/hello:1`, command: ['/bin/sleep', '100000'] }
  const spec = { nodeName: 'bench', terminationGracePeriodSeconds: 0, containers: [container] }
  return {
    async start(name) {
      const ready = new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${name} is not Ready after two minutes`)), 120_000)
        waiting.set(name, () => {
          clearTimeout(timer)
          resolve()
        })
      })
      await api.json('POST', `${namespace}/pods`, { metadata: { name }, spec })
      await ready
      waiting.delete(name)
    },
    async clear() {
      if (!present.size) return
      const gone = new Promise<void>(resolve => {
        empty = resolve
      })
      await api.request('DELETE', `${namespace}/pods`)
      await gone
      empty = undefined
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}
