import type { Registry } from 'prom-client'
import { delegatedAccess } from '../../agent/index.ts'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { maxHeadBytes } from '../../base/http-limits.ts'
import { type ListenWeb, listenWeb, type WebServer } from '../../base/web-server.ts'
import type { Client } from '../../client/index.ts'
import { SubjectAccessReview } from '../../models/kinds/index.ts'
import type { OutsideWorld } from '../outside.ts'

/** What somebody asks a part of the control plane that runs as a process of its own. */
export interface EndpointQuestion {
  method: string
  path: string
  authorization?: string | undefined
}

export interface EndpointAnswer {
  status: number
  text: string
  type?: string
}

const health = new Set(['/healthz', '/livez', '/readyz'])

/**
 * Answers as kube-scheduler and kube-controller-manager do: health to everybody, figures to those whose token the API server
 * knows and lets read `/metrics`.
 */
export function managerAnswers(
  client: Client,
  clock: Clock,
  registry: Registry,
): (question: EndpointQuestion) => Promise<EndpointAnswer> {
  const access = delegatedAccess(client, clock)
  return async ({ method, path, authorization }) => {
    if (!health.has(path) && path !== '/metrics')
      return { status: 404, text: `there is no ${path}; ask for /metrics\n` }
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: `${path} can only be read\n` }
    if (health.has(path)) return { status: 200, text: 'ok' }
    try {
      const user = await access.identify(undefined, authorization)
      if (!user) return { status: 401, text: 'Unauthorized: send the token of a ServiceAccount\n' }
      const { username, groups } = user
      const { status } = await client.create<SubjectAccessReview>(SubjectAccessReview, {
        metadata: {},
        spec: { user: username, groups, nonResourceAttributes: { path, verb: 'get' } },
      })
      if (!status?.allowed)
        return {
          status: 403,
          text: `user "${username}" may not get ${path}: bind a ClusterRole with that nonResourceURL\n`,
        }
    } catch (error) {
      return { status: 500, text: `who asks could not be checked: ${explain(error)}\n` }
    }
    return { status: 200, text: await registry.metrics(), type: registry.contentType }
  }
}

export interface EndpointOptions {
  client: Client
  outside: Pick<OutsideWorld, 'clock'>
  registry: Registry
  host: string
  /** 0: any free one. */
  port: number
  listen?: ListenWeb
}

/** Serves health and figures over TLS, with a certificate made now, as upstream does where nobody gives one. @throws EADDRINUSE */
export async function openManagerEndpoint(options: EndpointOptions): Promise<AsyncDisposable & { port: number }> {
  const { client, outside, registry, host, port, listen = listenWeb } = options
  const authority = await createAuthority('optiflow-manager', outside.clock)
  const ips = [...new Set(['127.0.0.1', host])].filter(ip => ip !== '0.0.0.0' && ip !== '::')
  const { cert, key } = await issueCertificate(
    authority,
    { commonName: 'localhost', ips, usages: ['server'] },
    outside.clock,
  )
  const answer = managerAnswers(client, outside.clock, registry)
  const web: WebServer = await listen({
    ...{ host, port, tls: { cert, key, authorities: [] } },
    limits: { headBytes: maxHeadBytes, requestMs: 60_000, keepAliveMs: 72_000, backlog: 128 },
    onRequest(request, response) {
      const path = (request.url ?? '/').split('?', 1)[0]!
      const { authorization } = request.headers
      void answer({ method: request.method ?? 'GET', path, authorization }).then(({ status, text, type }) => {
        response.writeHead(status, { 'content-type': type ?? 'text/plain; charset=utf-8' })
        response.end(request.method === 'HEAD' ? undefined : text)
      })
    },
    onUpgrade: (_request, socket) => void socket.destroy(),
  })
  return { port: web.port, [Symbol.asyncDispose]: () => web.close(1_000) }
}
