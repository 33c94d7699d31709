import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { demoRegistryHost, openDemoRegistry } from '../../src/main/demo-image.ts'
import { openBare } from '../support/bare-cri.ts'
import { type BenchCluster, startCluster } from '../support/cluster.ts'
import { whyNoContainers } from '../support/machine.ts'
import { type Measurement, type Row, rounded } from '../support/measurement.ts'
import { inFlight, median, pause } from '../support/statistics.ts'

const single = 7
const many = 30
const rounds = 2
const image = `${demoRegistryHost}/hello:1`

export const pods: Measurement = {
  name: 'pods',
  about:
    'Real containers, the image present, through the API and everything behind it, beside the bare CRI calls ' +
    '(RunPodSandbox, CreateContainer, StartContainer) for the same sandbox and container on a second containerd with the same ' +
    'network plugins; turn about in one run.',
  async *run(): AsyncIterable<Row> {
    const missing = whyNoContainers()
    if (missing) {
      yield { what: 'create to Running', value: 'not measured', note: missing }
      return
    }
    await using registry = await openDemoRegistry(systemDisk, systemCommands, 0)
    const mirror = `${demoRegistryHost}=http://${registry.address}`
    await using cluster = await startCluster({ runtime: 'containerd', flags: ['--registry-mirror', mirror] })
    await using bare = await openBare()
    const api = await openPods(cluster)

    // The first pods pull the image, load libraries and make the bridges.
    for (let i = 0; i < 2; i++) await api.one(`warm-${i}`)
    await inFlight(2, 4, () => bare.start())
    await api.clear()
    await bare.clear()

    const through: number[] = []
    const bound: number[] = []
    const raw: number[] = []
    for (let i = 0; i < single; i++) {
      const one = await api.one(`one-${i}`)
      through.push(one.ms)
      bound.push(one.boundMs)
      const start = performance.now()
      await bare.start()
      raw.push(performance.now() - start)
    }
    await api.clear()
    await bare.clear()
    const overhead = median(through) - median(raw)
    yield {
      what: 'create to Running, one pod',
      value: `${rounded(median(through))} ms; bare CRI ${rounded(median(raw))} ms (+ ${rounded(overhead)} ms)`,
      goal: '≤ bare + 50 ms',
      reached: overhead <= 50,
      note: `bound to its node after ${rounded(median(bound))} ms; best ${rounded(Math.min(...through))} and ${rounded(Math.min(...raw))} ms`,
    }

    const total = { through: 0, raw: 0 }
    for (let round = 0; round < rounds; round++) {
      total.through += await api.scaleUp(many)
      await api.clear()
      total.raw += (await inFlight(8, many, () => bare.start())).ms
      await bare.clear()
    }
    const rate = (ms: number) => (many * rounds * 1000) / ms
    yield {
      what: `pods started, a Deployment scaled to ${many}`,
      value: `${rounded(rate(total.through), 1)}/s; bare CRI, 8 in flight ${rounded(rate(total.raw), 1)}/s (${rounded((100 * total.raw) / total.through)} %)`,
      goal: '≥ 90 %',
      reached: total.raw / total.through >= 0.9,
    }
    api[Symbol.dispose]()
  },
}

/** Pods through the API. */
async function openPods({ api }: BenchCluster) {
  const namespace = '/api/v1/namespaces/default'
  const running = new Set<string>()
  const present = new Set<string>()
  const boundAt = new Map<string, number>()
  let look = () => {}
  const watch = await api.watch(`${namespace}/pods?watch=1`, line => {
    const { type, object } = JSON.parse(line)
    const { name } = object.metadata
    if (type === 'DELETED') present.delete(name)
    else present.add(name)
    if (object.spec.nodeName && !boundAt.has(name)) boundAt.set(name, performance.now())
    if (type !== 'DELETED' && object.status?.phase === 'Running') running.add(name)
    else running.delete(name)
    look()
  })
  const until = (holds: () => boolean, what: string) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited a minute in vain for ${what}`)), 60_000)
      look = () => {
        if (!holds()) return
        clearTimeout(timer)
        look = () => {}
        resolve()
      }
      look()
    })
  const container = { name: 'main', image, command: ['/bin/sleep', '1000'] }
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] }
  return {
    /** Milliseconds from the request to the event that says Running, and to the one that names the node. */
    async one(name: string): Promise<{ ms: number; boundMs: number }> {
      const start = performance.now()
      await api.json('POST', `${namespace}/pods`, { metadata: { name, labels: { bench: 'one' } }, spec })
      await until(() => running.has(name), `${name} to run`)
      return { ms: performance.now() - start, boundMs: boundAt.get(name)! - start }
    },
    async scaleUp(replicas: number): Promise<number> {
      const labels = { bench: 'many' }
      const metadata = { name: 'many', labels }
      const template = { metadata: { labels }, spec }
      const deployments = '/apis/apps/v1/namespaces/default/deployments'
      await api.json('POST', deployments, {
        metadata,
        spec: { replicas: 0, selector: { matchLabels: labels }, template },
      })
      await pause(500)
      const start = performance.now()
      await api.json('PATCH', `${deployments}/many`, { spec: { replicas } })
      await until(() => running.size === replicas, `${replicas} pods to run`)
      return performance.now() - start
    },
    async clear(): Promise<void> {
      await api.request('DELETE', '/apis/apps/v1/namespaces/default/deployments/many')
      await api.request('DELETE', `${namespace}/pods?labelSelector=bench%3Done`)
      await until(() => present.size === 0, 'all pods to go')
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}
