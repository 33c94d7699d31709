import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { textReply } from '../replies/reply.ts'

/** Says whether one thing works. Resolves to a reason if it does not. */
export type HealthCheck = () => Promise<string | undefined> | string | undefined

export interface HealthChecks {
  /** Restarting would help if one fails. */
  live: Map<string, HealthCheck>
  /** No requests should come while one fails. */
  ready: Map<string, HealthCheck>
}

/** /livez, /readyz, /healthz: `ok`, or which check failed. `?verbose` names all; `?exclude=` leaves one out; /livez/NAME is one. */
export async function healthReply(call: Call, checks: HealthChecks): Promise<ApiReply | undefined> {
  const [, root, name, ...more] = call.info.path.split('/')
  if (more.length) return undefined
  const set = root === 'livez' ? checks.live : root === 'readyz' || root === 'healthz' ? checks.ready : undefined
  if (!set) return undefined
  if (name) {
    const check = set.get(name)
    if (!check) return undefined
    const failure = await runCheck(check)
    return failure === undefined ? textReply(200, 'ok') : textReply(500, `internal server error: ${failure}\n`)
  }
  const { query } = call.info
  const excluded = new Set(query.getAll('exclude'))
  const lines: string[] = []
  let failed = false
  for (const [checkName, check] of set) {
    if (excluded.delete(checkName)) {
      lines.push(`[+]${checkName} excluded: ok`)
      continue
    }
    const failure = await runCheck(check)
    if (failure !== undefined) failed = true
    lines.push(failure === undefined ? `[+]${checkName} ok` : `[-]${checkName} failed: ${failure}`)
  }
  for (const unknown of excluded) lines.push(`warn: some health checks cannot be excluded: no matches for "${unknown}"`)
  const text = lines.join('\n')
  if (failed) return textReply(500, `${text}\n${root} check failed\n`)
  return textReply(200, query.has('verbose') ? `${text}\n${root} check passed\n` : 'ok')
}

export async function runCheck(check: HealthCheck): Promise<string | undefined> {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
