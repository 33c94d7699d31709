import type { ApiReply } from '../../models/rest.ts'
import { type HostileRequest, HostileRequests } from './hostile-requests.ts'
import type { TestServer } from './test-server.ts'

export interface Hostility {
  requests: number
  /** Longest time that one request kept everybody else waiting, each time that it was sent; processor or wall time, whichever is less. */
  worstStallMs: number
  worstRequest: string
  /** Answers by status. */
  statuses: Record<number, number>
  /** Answers that admit a fault of our own. */
  faults: string[]
}

/** Nobody may be kept waiting longer by somebody else's request. */
export const longestStallMs = 250
/** What took long once may have been the machine, or a collection of garbage; what takes long each time is the request. */
const attempts = 4

export function hostilityText({ requests, worstStallMs, statuses, faults, worstRequest }: Hostility): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return `${requests.toLocaleString('en')} hostile requests: worst stall ${worstStallMs.toFixed(0)} ms of ${longestStallMs} (${worstRequest.slice(0, 100)}), ${faults.length} faults; ${answers.join(', ')}`
}

/** Sends hostile requests one after another and watches what they do to the event loop. */
export async function beHostile(server: TestServer, requests: number, seed: number): Promise<Hostility> {
  const out: Hostility = { requests, worstStallMs: 0, worstRequest: '', statuses: {}, faults: [] }
  const hostile = new HostileRequests(seed)
  for (let sent = 0; sent < requests; sent++) {
    const request = hostile.next()
    const { reply, stallMs } = await send(server, request)
    out.statuses[reply.status] = (out.statuses[reply.status] ?? 0) + 1
    const ms = stallMs > longestStallMs ? await stallOfAll(server, request, stallMs) : stallMs
    if (ms > out.worstStallMs) Object.assign(out, { worstStallMs: ms, worstRequest: textOf(request) })
    const answer = reply.status === 500 && reply.body instanceof Uint8Array ? Buffer.from(reply.body).toString() : ''
    if (answer.includes('Internal error')) out.faults.push(`${textOf(request)}\n  -> ${answer.slice(0, 400)}`)
  }
  return out
}

async function send(server: TestServer, request: HostileRequest): Promise<{ reply: ApiReply; stallMs: number }> {
  const gone = new AbortController()
  const stall = new Stall()
  const reply = await server.api.handler({
    ...request,
    user: { username: 'fuzz', groups: ['system:masters', 'system:authenticated'] },
    signal: gone.signal,
  })
  await new Promise(resolve => setImmediate(resolve))
  const stallMs = stall.end()
  gone.abort()
  return { reply, stallMs }
}

/** The least of several times. */
async function stallOfAll(server: TestServer, request: HostileRequest, firstMs: number): Promise<number> {
  let ms = firstMs
  for (let attempt = 1; attempt < attempts && ms > longestStallMs; attempt++)
    ms = Math.min(ms, (await send(server, request)).stallMs)
  return ms
}

function textOf({ method, url, headers, body = Uint8Array.of() }: HostileRequest): string {
  return `${method} ${url.slice(0, 200)} ${headers['content-type']} ${Buffer.from(body).toString().slice(0, 300)}`
}

/** The longest stretch without a turn of the event loop. Other programs on the machine take wall time, not our processor time. */
class Stall {
  readonly #cpu = process.cpuUsage()
  readonly #at = performance.now()

  end(): number {
    const { user, system } = process.cpuUsage(this.#cpu)
    return Math.min((user + system) / 1000, performance.now() - this.#at)
  }
}
