import type { Client } from '../../src/client/index.ts'
import { Node, Pod, Service } from '../../src/models/kinds/index.ts'
import { podOf } from './cases.ts'

const deletionsPerSecond = 100
const everyMs = 100

/** Deletes what the scheduler has placed, pod by pod. @returns ends it, once all that it has begun is over */
export function deletions(client: Client, count: number): () => Promise<void> {
  let next = 0
  const some = async () => {
    const names = Array.from({ length: (deletionsPerSecond * everyMs) / 1_000 }, () => `s${next++}`)
    const there = names.slice(0, Math.max(count - next + names.length, 0))
    await Promise.all(there.map(name => client.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 })))
  }
  return repeat(everyMs, some)
}

/** Nodes, pods and services come and go, once a second. @returns ends it, once all that it has begun is over */
export function churn(client: Client): () => Promise<void> {
  let round = 0
  return repeat(1_000, async () => {
    const name = `churn-${round++}`
    await client.create(Node, { metadata: { name }, spec: {} })
    await client.create(Pod, podOf(name, { requests: { cpu: '9' }, priorityClassName: 'high' }))
    await client.create(Service, {
      metadata: { namespace: 'default', name },
      spec: { selector: { app: 'x' }, ports: [{ port: 80 }] },
    })
    await client.delete(Node, { name })
    await client.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 })
    await client.delete(Service, { namespace: 'default', name })
  })
}

function repeat(periodMs: number, task: () => Promise<void>): () => Promise<void> {
  const running = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const one: Promise<void> = task().finally(() => running.delete(one))
    running.add(one)
  }, periodMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(running)
  }
}
