import { listenHttp } from '../../base/http-listener.ts'
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
  const host = hostname.replace(/^\[|\]$/g, '')
  const listener = await listenHttp(host, Number(port || 2379), async ({ path }) => {
    const body = answers.get(path)
    return body ? { status: 200, headers: { 'content-type': 'application/json' }, body } : { status: 404 }
  })
  const url = `http://${hostname}:${listener.port}`
  return { url, [Symbol.asyncDispose]: () => listener.close() }
}

const answers = new Map([
  ['/health', JSON.stringify({ health: 'true', reason: '' })],
  ['/version', JSON.stringify({ etcdserver: standIn, etcdcluster: standIn })],
])

/** Whether it is our stand-in that listens there, not an etcd. */
export async function isStandIn(url: string, net: Net): Promise<boolean> {
  if (!url.startsWith('http://')) return false
  const { body } = await net.request(`${url.replace(/\/$/, '')}/version`, { timeoutMs: 5_000 })
  return body.includes(standIn)
}
