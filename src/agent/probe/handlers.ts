import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { bracketed } from '../../base/ip.ts'
import type { HttpReply, Net } from '../../base/net.ts'
import type { PlainAnswer, PlainGet } from '../../base/plain-get.ts'
import type { ExecAction, GRPCAction, HTTPGetAction, TCPSocketAction } from '../../models/types/core-v1.ts'
import type { ContainerId, Runtime } from '../../runtime/runtime.ts'
import { ContainerConfigInvalid } from '../pod/config-invalid.ts'
import type { PodContainer } from '../pod/records.ts'
import type { Answer } from './answer.ts'
import { checkGrpcHealth } from './grpc-health.ts'

/** Something to ask of a running container. */
export interface Question {
  exec?: ExecAction
  httpGet?: HTTPGetAction
  tcpSocket?: TCPSocketAction
  grpc?: GRPCAction
}

export interface Target {
  container: PodContainer
  id: ContainerId
  /** Where the pod is reached. */
  podIp: string
}

export interface Tools {
  runtime: Runtime
  net: Net
  clock: Clock
}

const keptOutput = 10_240
const probing = 'kube-probe/1.32'
const hooking = 'kube-lifecycle/1.32'

/** Asks once. Never rejects: what goes wrong is the answer. */
export async function ask(tools: Tools, question: Question, target: Target, timeoutMs: number): Promise<Answer> {
  try {
    if (question.exec) return await askExec(tools.runtime, question.exec, target.id, timeoutMs)
    if (question.httpGet) return await askHttp(tools.net, question.httpGet, target, timeoutMs)
    if (question.tcpSocket) return await askTcp(tools.net, question.tcpSocket, target, timeoutMs)
    if (question.grpc) return await checkGrpcHealth(tools.clock, target.podIp, question.grpc, timeoutMs)
    return { ok: true, output: '' }
  } catch (error) {
    return { ok: false, output: explain(error) }
  }
}

async function askExec(
  runtime: Runtime,
  { command = [] }: ExecAction,
  id: ContainerId,
  timeoutMs: number,
): Promise<Answer> {
  const { exitCode, stdout, stderr, timedOut } = await runtime.exec(id, command, timeoutMs)
  if (timedOut)
    return {
      ok: false,
      output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`,
    }
  return { ok: exitCode === 0, output: (stdout + stderr).slice(0, keptOutput) }
}

/** Any status from 200 to 399 passes; redirects on the same host are followed. */
async function askHttp(net: Net, get: HTTPGetAction, target: Target, timeoutMs: number): Promise<Answer> {
  const { reply, elsewhere } = await lastReply(net, callOf(get, target, timeoutMs, probing))
  // What another host answers says nothing about this container.
  if (elsewhere) return { ok: true, output: '', warning: `Probe terminated redirects, Response body: ${reply.body}` }
  const ok = reply.status >= 200 && reply.status < 400
  return { ok, output: ok ? '' : `HTTP probe failed with statuscode: ${reply.status}` }
}

/**
 * Tells a container something, as hooks do: any answer will do. Who was to speak TLS and does not is told without it, and without
 * credentials.
 * @returns who was told without TLS, if so @throws what goes wrong below HTTP
 */
export async function tellByHttp(
  net: Net,
  get: HTTPGetAction,
  target: Target,
  timeoutMs: number,
): Promise<string | undefined> {
  const call = callOf(get, target, timeoutMs, hooking)
  try {
    await lastReply(net, call)
    return undefined
  } catch (error) {
    const { url, headers } = call
    if (url.protocol !== 'https:' || !/wrong.version.number|http request/i.test(String((error as Error).message)))
      throw error
    const { authorization: _, ...others } = headers
    const plainly = new URL(`http://${url.hostname}:${url.port || 443}${url.pathname}${url.search}`)
    await lastReply(net, callTo(plainly, { ...call, headers: others }))
    return url.host
  }
}

/** Redirects on the same host are followed. @returns `elsewhere`: the reply leads to another host */
async function lastReply(net: Net, first: Call): Promise<{ reply: HttpReply | PlainAnswer; elsewhere?: boolean }> {
  let call = first
  for (let hops = 0; ; hops++) {
    const { url } = call
    const reply = await getOnce(net, call).catch(cause => {
      throw new Error(`Get "${url.href}": ${explain(cause)}`)
    })
    const { location } = reply.headers
    if (reply.status < 300 || reply.status >= 400 || !location || hops >= 10) return { reply }
    const next = new URL(location, url)
    if (next.hostname !== url.hostname) return { reply, elsewhere: true }
    call = callTo(next, call)
  }
}

/** What is asked, ready to be sent. */
interface Call {
  url: URL
  headers: Record<string, string>
  timeoutMs: number
  /** The same in parts. */
  plain: PlainGet
}

/** A container is asked the same thing every few seconds. */
const calls = new WeakMap<HTTPGetAction, { podIp: string; container: PodContainer; call: Call }>()

function callOf(get: HTTPGetAction, { podIp, container }: Target, timeoutMs: number, userAgent: string): Call {
  const known = calls.get(get)
  if (known?.podIp === podIp && known.container === container && known.call.timeoutMs === timeoutMs) return known.call
  const scheme = (get.scheme ?? 'HTTP').toLowerCase()
  const path = get.path?.startsWith('/') ? get.path : `/${get.path ?? ''}`
  const url = new URL(`${scheme}://${bracketed(get.host || podIp)}:${portNumber(get.port, container)}`)
  const [pathname, ...query] = path.split('?')
  url.pathname = pathname!
  url.search = query.join('?')
  const asked = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]))
  const call = callTo(url, { headers: { 'user-agent': userAgent, accept: '*/*', ...asked }, timeoutMs })
  calls.set(get, { podIp, container, call })
  return call
}

function callTo(url: URL, { headers, timeoutMs }: Pick<Call, 'headers' | 'timeoutMs'>): Call {
  const plain = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 80),
    path: url.pathname + url.search,
    headers: { host: url.host, ...headers },
    timeoutMs,
    maxBytes: keptOutput,
  }
  return { url, headers, timeoutMs, plain }
}

function getOnce(net: Net, { url, headers, timeoutMs, plain }: Call): Promise<HttpReply | PlainAnswer> {
  if (url.protocol === 'https:')
    return net.request(url.href, { headers, timeoutMs, insecure: true, maxBytes: keptOutput })
  return net.get(plain)
}

async function askTcp(net: Net, { host, port }: TCPSocketAction, target: Target, timeoutMs: number): Promise<Answer> {
  const socket = await net.connect(host || target.podIp, portNumber(port, target.container), { timeoutMs })
  socket.destroy()
  return { ok: true, output: '' }
}

/** A port's number, which may be given by its name. @throws ContainerConfigInvalid for a name the container does not have */
export function portNumber(port: number | string, container: PodContainer): number {
  if (typeof port === 'number') return port
  const named = container.ports?.find(p => p.name === port)
  if (named) return named.containerPort
  if (/^\d+$/.test(port)) return Number(port)
  throw new ContainerConfigInvalid(`container ${container.name} has no port named "${port}"`)
}

/** As people should see in an event what was asked. */
export function questionText(question: Question): { kind: 'http' | 'tcp' | 'grpc' | 'exec'; target: string } {
  if (question.httpGet) return { kind: 'http', target: `:${question.httpGet.port}${question.httpGet.path ?? '/'}` }
  if (question.tcpSocket) return { kind: 'tcp', target: `:${question.tcpSocket.port}` }
  if (question.grpc) return { kind: 'grpc', target: `:${question.grpc.port}/${question.grpc.service ?? ''}` }
  return { kind: 'exec', target: question.exec?.command?.join(' ') ?? '' }
}
