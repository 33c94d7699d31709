import { flag } from '../../base/query-flag.ts'
import { ApiError, badRequest } from '../../models/api-error.ts'
import type { ApiReply } from '../../models/rest.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { admitConnect } from '../objects/admit-connect.ts'
import { bytesReply } from '../replies/reply.ts'
import { chooseContainer, nodeOfPod, podOf } from './find-node.ts'
import type { NodeDialer } from './node-dialer.ts'
import { askNode, relayed, tunnelled, upgradeHeaders } from './relay.ts'

const logOptions = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
]

/** GET pods/NAME/log: what the agent of its node has. */
export function podLog(dialer: NodeDialer): CallHandler {
  return async call => {
    const { query } = call.info
    const pod = podOf(call)
    const container = chooseContainer(pod, query.get('container'))
    checkLogOptions(query)
    // A pod without a node has said nothing yet.
    if (!pod['spec']?.nodeName) return bytesReply(204, new Uint8Array())
    const { node } = nodeOfPod(call)
    const wanted = new URLSearchParams()
    for (const name of logOptions) if (query.has(name)) wanted.set(name, query.get(name)!)
    const answer = await askNode(dialer, node, call, agentPath('containerLogs', call, container, wanted))
    const reply = relayed(answer)
    if (answer.status === 200) reply.headers['content-type'] ??= 'text/plain; charset=utf-8'
    return answer.status === 200 ? reply : asStatus(reply, answer.status)
  }
}

function checkLogOptions(query: URLSearchParams): void {
  for (const name of ['sinceSeconds', 'tailLines', 'limitBytes']) {
    const value = query.get(name)
    if (value !== null && !/^\d{1,18}$/.test(value))
      throw badRequest(`${name}: ${JSON.stringify(value)} is not a whole number`)
  }
  if (query.has('sinceSeconds') && query.has('sinceTime'))
    throw badRequest('at most one of sinceTime or sinceSeconds may be specified')
}

/** exec and attach: a switched connection straight to the agent. */
export function podCommand(dialer: NodeDialer, what: 'exec' | 'attach'): CallHandler {
  return async call => {
    const { query } = call.info
    await admitConnect(call, commandOptions(what, query))
    const container = chooseContainer(podOf(call), query.get('container'))
    const { pod, node } = nodeOfPod(call)
    const phase = pod['status']?.phase
    if (phase === 'Succeeded' || phase === 'Failed')
      throw badRequest(`cannot ${what} into a container in a completed pod; current phase is ${phase}`)
    const wanted = new URLSearchParams()
    for (const [ours, theirs] of [
      ['stdin', 'input'],
      ['stdout', 'output'],
      ['stderr', 'error'],
      ['tty', 'tty'],
    ] as const)
      if (flag(query, ours)) wanted.set(theirs, '1')
    if (what === 'exec') {
      const command = query.getAll('command')
      if (command.length === 0) throw badRequest('you must specify at least one command for the container')
      for (const word of command) wanted.append('command', word)
    }
    return switchTo(dialer, call, node, agentPath(what, call, container, wanted))
  }
}

export function podPortForward(dialer: NodeDialer): CallHandler {
  return async call => {
    const ports = call.info.query.getAll('ports').map(Number)
    await admitConnect(call, { kind: 'PodPortForwardOptions', ...(ports.length ? { ports } : {}) })
    const { node } = nodeOfPod(call)
    const wanted = new URLSearchParams()
    for (const port of call.info.query.getAll('ports')) wanted.append('ports', port)
    const path = `/portForward/${encodeURIComponent(call.path.namespace!)}/${encodeURIComponent(call.path.name!)}`
    return switchTo(dialer, call, node, wanted.size ? `${path}?${wanted}` : path)
  }
}

/** What is asked for, as admission sees it. */
function commandOptions(what: 'exec' | 'attach', query: URLSearchParams): { kind: string } {
  const streams = ['stdin', 'stdout', 'stderr', 'tty'].filter(name => flag(query, name))
  const container = query.get('container')
  return {
    kind: what === 'exec' ? 'PodExecOptions' : 'PodAttachOptions',
    ...Object.fromEntries(streams.map(name => [name, true])),
    ...(container ? { container } : {}),
    ...(what === 'exec' ? { command: query.getAll('command') } : {}),
  }
}

async function switchTo(
  dialer: NodeDialer,
  call: ResourceCall,
  node: Parameters<typeof askNode>[1],
  path: string,
): Promise<ApiReply> {
  const headers = upgradeHeaders(call)
  if (!headers) throw badRequest('Upgrade request required')
  const answer = await askNode(dialer, node, call, path, headers)
  return answer.upgraded ? tunnelled(answer) : asStatus(relayed(answer), answer.status)
}

function agentPath(what: string, { path }: ResourceCall, container: string, query: URLSearchParams): string {
  const place = [path.namespace!, path.name!, container].map(encodeURIComponent).join('/')
  return query.size ? `/${what}/${place}?${query}` : `/${what}/${place}`
}

/** A refusal in plain text becomes a Status, so that clients show its message. */
async function asStatus(reply: ApiReply, status: number): Promise<ApiReply> {
  if (String(reply.headers['content-type'] ?? '').includes('json')) return reply
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of reply.body as AsyncIterable<Uint8Array>) {
    if (size < 65_536) chunks.push(chunk)
    size += chunk.length
  }
  const text = Buffer.concat(chunks).toString().trim()
  const reason = status === 404 ? 'NotFound' : status === 400 ? 'BadRequest' : 'InternalError'
  throw new ApiError(reason, text || `the agent answered ${status}`, { code: status < 400 ? 500 : status })
}
