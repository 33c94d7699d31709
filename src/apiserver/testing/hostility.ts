import { HostileRequests } from './hostile-requests.ts'
import type { TestServer } from './test-server.ts'

export interface Hostility {
  requests: number
  /** Longest time that one request kept everybody else waiting; processor or wall time, whichever is less. */
  worstStallMs: number
  worstRequest: string
  /** Answers by status. */
  statuses: Record<number, number>
  /** Answers that admit a fault of our own. */
  faults: string[]
}

/** Goal: nobody is kept waiting longer by somebody else's request. Told, not judged: the machine has its part in it. */
const goalStallMs = 250

export function hostilityText({ requests, worstStallMs, statuses, faults, worstRequest }: Hostility): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`)
  return `${requests.toLocaleString('en')} hostile requests: worst stall ${worstStallMs.toFixed(0)} ms of ${goalStallMs} (${worstRequest.slice(0, 100)}), ${faults.length} faults; ${answers.join(', ')}`
}

/** Sends hostile requests one after another and watches what they do to the event loop. */
export async function beHostile(server: TestServer, requests: number, seed: number): Promise<Hostility> {
  const out: Hostility = { requests, worstStallMs: 0, worstRequest: '', statuses: {}, faults: [] }
  const hostile = new HostileRequests(seed)
  for (let sent = 0; sent < requests; sent++) {
    const request = hostile.next()
    const gone = new AbortController()
    const stall = new Stall()
    const reply = await server.api.handler({
      ...request,
      user: { username: 'fuzz', groups: ['system:masters', 'system:authenticated'] },
      signal: gone.signal,
    })
    await new Promise(resolve => setImmediate(resolve))
    const ms = stall.end()
    gone.abort()
    out.statuses[reply.status] = (out.statuses[reply.status] ?? 0) + 1
    const what = `${request.method} ${request.url.slice(0, 200)} ${request.headers['content-type']} ${Buffer.from(
      request.body ?? [],
    )
      .toString()
      .slice(0, 300)}`
    if (ms > out.worstStallMs) Object.assign(out, { worstStallMs: ms, worstRequest: what })
    if (reply.status === 500 && reply.body instanceof Uint8Array) {
      const answer = Buffer.from(reply.body).toString()
      if (answer.includes('Internal error')) out.faults.push(`${what}\n  -> ${answer.slice(0, 400)}`)
    }
  }
  return out
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
