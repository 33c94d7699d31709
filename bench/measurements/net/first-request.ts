import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Commands } from '../../../src/base/commands.ts'
import { listenHttp } from '../../../src/base/http-listener.ts'
import { createReconcilerRunner } from '../../../src/client/index.ts'
import { createServiceProxy, endpointSliceReconciler } from '../../../src/discovery/index.ts'
import { openWires, serverIp } from '../../../src/discovery/testing/wires.ts'
import { EndpointSlice, Node, Pod, Service } from '../../../src/models/kinds/index.ts'
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
  const now = () => performance.timeOrigin + performance.now()
  // Where the time goes: until the slice is known to the proxy, and until its rules are in the kernel.
  const seen = { sliceAt: 0, rulesAt: 0 }
  const commands: Commands = {
    ...wires.node,
    async run(program, args, options) {
      const done = await wires.node.run(program, args, options)
      if (program === 'nft' && String(options?.stdin).includes(serverIp)) seen.rulesAt = now()
      return done
    },
  }
  const noticed = ({ endpoints }: EndpointSlice) => {
    if (endpoints?.some(e => e.addresses[0] === serverIp && e.conditions?.ready)) seen.sliceAt = now()
  }
  informers.for(EndpointSlice).subscribe({ added: noticed, updated: noticed, deleted() {} })
  const proxy = createServiceProxy({
    ...{ ...outside, nodeName: 'n1', informers, commands, podCidrs, listen: listenHttp },
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
    const parts = { slice: [] as number[], rules: [] as number[], answer: [] as number[] }
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
      seen.rulesAt = 0
      const ready = now()
      await client.patch(Pod, key, { type: 'merge', body: { status } }, { subresource: 'status' })
      const answered = Number((await answers.next()).value)
      each.push(answered - ready)
      // The kernel has the rules a little before nft ends.
      while (!seen.rulesAt) await pause(1)
      parts.slice.push(seen.sliceAt - ready)
      parts.rules.push(seen.rulesAt - seen.sliceAt)
      parts.answer.push(answered - seen.rulesAt)
    }
    yield {
      what: 'pod Ready → first request through its Service',
      value: `${rounded(median(each))} ms (p99 ${rounded(percentile(each, 0.99))})`,
      goal: `≤ ${goalMs} ms`,
      reached: median(each) <= goalMs,
      note: `${rounded(median(parts.slice), 1)} ms until the slice is known, ${rounded(median(parts.rules), 1)} ms until nft has written the rules, ${rounded(median(parts.answer), 1)} ms until the client has its answer; ${rounded(serviceCount)} other Services; API, controller and proxy in one process, ${tries} pods; a client that knocks every millisecond`,
    }
  } finally {
    server.kill()
    knocker.kill()
    await proxy[Symbol.asyncDispose]()
    await runner.stop()
  }
}
