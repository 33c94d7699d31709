import type { Asked } from './asked.ts'
import { forwardedHeaders, type Headers } from './headers.ts'
import { changeHeaders, rewritten } from './rewriting.ts'
import type { RouteAction, WeightedBackend } from './routing-table.ts'

/** A route's part in one request. */
export interface Chosen extends WeightedBackend {
  action: RouteAction
  /** What guards say of the client; an empty list: nobody may say it. */
  told: Headers
}

/** The request as the backend is to see it. */
export function outgoing(asked: Asked, { action, requestHeaders, told }: Chosen): { url: string; headers: Headers } {
  const { request, host, url, at, clientIp } = asked
  const target = action.rewrite ? rewritten({ host, url }, action.rewrite) : { host, url }
  const headers = forwardedHeaders(request.headers, { host, secure: at.secure, clientIp })
  headers['host'] = target.host
  for (const [name, value] of Object.entries(told))
    if (value.length) headers[name] = value
    else delete headers[name]
  changeHeaders(headers, action.requestHeaders, requestHeaders)
  return { url: target.url, headers }
}
