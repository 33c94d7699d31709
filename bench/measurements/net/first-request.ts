import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { listenHttp } from '../../../src/base/http-listener.ts'
import { createReconcilerRunner } from '../../../src/client/index.ts'
import { createServiceProxy, endpointSliceReconciler } from '../../../src/discovery/index.ts'
import { openWires, serverIp } from '../../../src/discovery/testing/wires.ts'
import { Node, Pod, Service } from '../../../src/models/kinds/index.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { median, pause, percentile } from '../../support/statistics.ts'
import { openControlPlane, outside } from './control-plane.ts'

const serviceCount = 1_000
const tries = 15
const goalMs = 100

/** From a pod's Ready in the API to the first answer that a client gets through its Service. */
export async function* firstRequest(): AsyncIterable<Row> {
  using wires = openWires()
  await using plane = await openControlPlane(serviceCount)
  const { client, informers } = plane
  await client.create(Node, { metadata: { name: 'n1' }, spec: {} })
  const runner = createReconcilerRunner({ ...outside, client, informers, reconcilers: [endpointSliceReconciler()] })
  await runner.start()
  const podCidrs = ['10.244.0.0/16']
  const proxy = createServiceProxy({
    ...{ ...outside, nodeName: 'n1', informers, commands: wires.node, podCidrs, listen: listenHttp },
  })
  const run = (words: string[], file: string) => {
    const [program, ...args] = [...words, process.execPath, resolve(import.meta.dirname, file)]
    return spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  }
  const server = run(wires.inServer, 'answering.mjs')
  const knocker = run(wires.inClient, 'knocking.mjs')
  const answers = createInterface({ input: knocker.stdout })[Symbol.asyncIterator]()
  try {
    await proxy.ready()
    await Promise.all([once(server.stdout, 'data'), answers.next()])
    const each: number[] = []
    for (let i = 0; i < tries; i++) {
      const key = { namespace: 'default', name: `new${i}` }
      const labels = { app: key.name }
      const { spec } = await client.create(Service, {
        metadata: key,
        spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 as never, protocol: 'TCP' }] },
      })
      await client.create(Pod, {
        metadata: { ...key, labels },
        spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
      })
      knocker.stdin.write(`${spec.clusterIP} 80\n`)
      // What the Service alone changes is over.
      await pause(300)
      const conditions = [{ type: 'Ready', status: 'True' }]
      const status = { phase: 'Running', podIP: serverIp, podIPs: [{ ip: serverIp }], conditions }
      const ready = performance.timeOrigin + performance.now()
      await client.patch(Pod, key, { type: 'merge', body: { status } }, { subresource: 'status' })
      each.push(Number((await answers.next()).value) - ready)
    }
    yield {
      what: 'pod Ready → first request through its Service',
      value: `${rounded(median(each))} ms (p99 ${rounded(percentile(each, 0.99))})`,
      goal: `≤ ${goalMs} ms`,
      reached: median(each) <= goalMs,
      note: `${rounded(serviceCount)} other Services; API, controller and proxy in one process, ${tries} pods; a client that knocks every millisecond`,
    }
  } finally {
    server.kill()
    knocker.kill()
    await proxy[Symbol.asyncDispose]()
    await runner.stop()
  }
}
