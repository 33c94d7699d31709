import { Readable } from 'node:stream'
import { bracketed } from '../../base/ip.ts'
import type { HttpStream } from '../../base/net.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import type { NodeDialer } from '../nodes/node-dialer.ts'
import { askNode, tunnelled, upgradeHeaders } from '../nodes/relay.ts'
import { admitConnect } from '../objects/admit-connect.ts'
import { CallFailed } from '../outgoing/call-failed.ts'
import { forwardedHeaders, returnedHeaders } from './headers.ts'
import { isPage, withLinks } from './html-links.ts'
import { throughUs, type Ways, waysTo } from './own-links.ts'
import { type ProxyTarget, proxyTarget } from './target.ts'

/** {pods,services,nodes}/NAME/proxy/…: whatever is asked, passed on as it is, and the answer back. */
export function proxy(nodes: NodeDialer | undefined): Record<string, CallHandler> {
  const handler: CallHandler = call => passOn(call, nodes)
  const verbs = ['get', 'create', 'update', 'patch', 'delete', '']
  return Object.fromEntries(verbs.map(verb => [verb, handler]))
}

async function passOn(call: ResourceCall, nodes: NodeDialer | undefined): Promise<ApiReply> {
  const { request, path, resource, info } = call
  await admitConnect(call, {
    kind: `${resource.kind.kind}ProxyOptions`,
    ...(path.rest === undefined ? {} : { path: `/${path.rest}` }),
  })
  // Who is not there is not there with a slash either.
  const target = proxyTarget(call)
  const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
  if (path.rest === undefined && (request.method === 'GET' || request.method === 'HEAD') && !request.headers['upgrade'])
    return { status: 301, headers: { location: `${info.path}/${query}` }, body: new Uint8Array() }
  const answer = await ask(call, target, `/${path.rest ?? ''}${query}`, nodes)
  // Nothing is tunnelled before the backend itself has switched.
  if (answer.upgraded) return tunnelled(answer)
  const base = path.rest === undefined ? info.path : info.path.slice(0, -path.rest.length - 1)
  return throughThisPath(answer, waysTo(target, base, request.headers[':authority'] ?? request.headers['host']))
}

/** The backend's answer, with places of its own as the client reaches them. */
function throughThisPath(answer: HttpStream, ways: Ways): ApiReply {
  const { status } = answer
  const headers = returnedHeaders(answer.headers, ways)
  if (headers['location'] !== undefined || !isPage(answer.headers)) return { status, headers, body: answer.body }
  delete headers['content-length']
  const encoding = answer.headers['content-encoding'] ?? ''
  return { status, headers, body: withLinks(answer.body, encoding, link => throughUs(link, ways)) }
}

async function ask(
  call: ResourceCall,
  target: ProxyTarget,
  path: string,
  nodes: NodeDialer | undefined,
): Promise<HttpStream> {
  const { core, request } = call
  const { method, body: bytes, bodyStream, signal } = request
  const stream = bodyStream && Readable.from(bodyStream, { objectMode: false })
  const length = bytes?.length ?? (stream ? knownLength(call) : undefined)
  const headers = { ...forwardedHeaders(request, length), ...upgradeHeaders(call) }
  const body = bytes ?? stream
  if ('agent' in target) {
    if (!nodes) throw new ApiError('ServiceUnavailable', 'this server does not reach the agents of nodes')
    return askNode(nodes, target.agent, call, path, headers, body)
  }
  const { scheme, host, port } = target
  const origin = `${scheme}://${bracketed(host)}:${port}`
  try {
    return await core.outgoing.open(
      { url: origin, insecure: true },
      { method, path, headers, signal, address: { host, port }, ...(body === undefined ? {} : { body }) },
    )
  } catch (cause) {
    if (!(cause instanceof CallFailed)) throw cause
    throw new ApiError('ServiceUnavailable', `error trying to reach service: ${cause.message}`, { cause })
  }
}

function knownLength({ request }: ResourceCall): number | undefined {
  const said = request.headers['content-length']
  return said !== undefined && /^\d{1,15}$/.test(said) ? Number(said) : undefined
}
