import { fastify } from 'fastify'
import type { Net } from '../../base/net.ts'
import type { Flags } from './flags.ts'

/** How the API server knows that there is nothing to store in behind this address. */
const standIn = 'optiflow-envtest'

export interface RunningEtcd extends AsyncDisposable {
  url: string
}

/** Answers as healthy where envtest wants etcd to be, and keeps nothing: the API server has its store in memory. */
export async function startEtcdStandIn(flags: Flags): Promise<RunningEtcd> {
  const { hostname, port } = new URL(flags.list('listen-client-urls')[0] ?? 'http://127.0.0.1:2379')
  const app = fastify({ forceCloseConnections: true })
  app.get('/health', async () => ({ health: 'true', reason: '' }))
  app.get('/version', async () => ({ etcdserver: standIn, etcdcluster: standIn }))
  const url = await app.listen({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 2379) })
  return { url, [Symbol.asyncDispose]: () => app.close() }
}

/** Whether it is our stand-in that listens there, not an etcd. */
export async function isStandIn(url: string, net: Net): Promise<boolean> {
  if (!url.startsWith('http://')) return false
  const { body } = await net.request(`${url.replace(/\/$/, '')}/version`, { timeoutMs: 5_000 })
  return body.includes(standIn)
}
