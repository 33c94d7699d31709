import type { Client } from '../../src/client/index.ts'
import { Node, Pod, Service } from '../../src/models/kinds/index.ts'
import { podOf } from './cases.ts'

const deletionsPerSecond = 100
const everyMs = 100

/** Deletes what the scheduler has placed, pod by pod. @returns ends it */
export function deletions(client: Client, count: number): () => void {
  let next = 0
  const timer = setInterval(() => {
    for (let i = 0; i < (deletionsPerSecond * everyMs) / 1_000 && next < count; i++)
      void client.delete(Pod, { namespace: 'default', name: `s${next++}` }, { gracePeriodSeconds: 0 })
  }, everyMs)
  return () => clearInterval(timer)
}

/** Nodes, pods and services come and go, once a second. @returns ends it */
export function churn(client: Client): () => void {
  let round = 0
  const turn = async () => {
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
  }
  const timer = setInterval(() => void turn(), 1_000)
  return () => clearInterval(timer)
}
