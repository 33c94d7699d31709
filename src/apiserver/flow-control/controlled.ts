import type { ApiReply, ApiRequest } from '../../models/rest.ts'
import type { Attributes } from '../authz/authorizer.ts'
import type { RequestInfo } from '../request-info.ts'
import { type Deadlines, longestRequestMs, requestTimeoutMs } from './deadlines.ts'
import type { Flow, FlowControl } from './flow-control.ts'

const longSubresources = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

/** Runs for as long as somebody is at the other end: nothing to count or to stop. Watches are counted until they have begun. */
export function runsLong(verb: string, { resource }: RequestInfo): boolean {
  return verb === 'proxy' || (resource?.subresource !== undefined && longSubresources.has(resource.subresource))
}

export interface Control {
  flowControl: FlowControl
  deadlines: Deadlines
}

/** Does the work when its flow lets it, within the time that the request has. @throws ApiError Timeout, BadRequest */
export function controlled(
  { flowControl, deadlines }: Control,
  flow: Flow | undefined,
  request: ApiRequest,
  attributes: Attributes,
  info: RequestInfo,
  work: () => Promise<ApiReply>,
): Promise<ApiReply> {
  const watches = attributes.verb === 'watch'
  const timeoutMs = watches ? longestRequestMs : requestTimeoutMs(info.query)
  const timed = watches ? work : () => deadlines.within(timeoutMs, work())
  if (!flow) return timed()
  const limits = { waitMs: timeoutMs / 4, signal: () => request.signal }
  return flowControl.run(flow, attributes, info, limits, { work: timed, refused: tooMany })
}

function tooMany(): ApiReply {
  return {
    status: 429,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'retry-after': '1' },
    body: Buffer.from('Too many requests, please try again later.\n'),
  }
}
