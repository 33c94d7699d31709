import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { textReply } from '../replies/reply.ts'

/** Says whether one thing works. Resolves to a reason if it does not. */
export type HealthCheck = () => Promise<string | undefined> | string | undefined

export interface HealthChecks {
  /** Without these the server is of no use, whoever asks: /livez and /healthz. */
  live: Map<string, HealthCheck>
  /** No requests should come while one fails: /readyz. */
  ready: Map<string, HealthCheck>
}

/** /livez, /readyz, /healthz: `ok`, or which checks failed. `?verbose` names all; `?exclude=` leaves one out; /livez/NAME is one. */
export async function healthReply(call: Call, checks: HealthChecks): Promise<ApiReply | undefined> {
  const [, root, ...rest] = call.info.path.split('/')
  const name = rest.length ? rest.join('/') : undefined
  const set = root === 'livez' || root === 'healthz' ? checks.live : root === 'readyz' ? checks.ready : undefined
  if (!set) return undefined
  if (name !== undefined) {
    const check = set.get(name)
    if (!check) return undefined
    const failure = await runCheck(check)
    return failure === undefined ? textReply(200, 'ok') : textReply(500, `internal server error: ${failure}\n`)
  }
  const { query } = call.info
  const excluded = new Set(query.getAll('exclude'))
  const lines: string[] = []
  const failures: Record<string, string> = {}
  for (const [checkName, check] of set) {
    if (excluded.delete(checkName)) {
      lines.push(`[+]${checkName} excluded: ok`)
      continue
    }
    const failure = await runCheck(check)
    if (failure !== undefined) failures[checkName] = failure
    // Everybody may ask: only who may ask for the one check hears why.
    lines.push(failure === undefined ? `[+]${checkName} ok` : `[-]${checkName} failed: reason withheld`)
  }
  if (excluded.size > 0) {
    const names = [...excluded].map(unknown => JSON.stringify(unknown)).join(',')
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`)
  }
  const text = lines.join('\n')
  if (Object.keys(failures).length) {
    call.core.log.warn({ path: root, failures }, 'health check failed')
    return textReply(500, `${text}\n${root} check failed\n`)
  }
  return textReply(200, query.has('verbose') ? `${text}\n${root} check passed\n` : 'ok')
}

/** Each path at which health is asked. */
export function healthPaths({ live, ready }: HealthChecks): string[] {
  const below = (root: string, checks: ReadonlyMap<string, HealthCheck>) => [
    root,
    ...[...checks.keys()].map(name => `${root}/${name}`),
  ]
  return [...below('/healthz', live), ...below('/livez', live), ...below('/readyz', ready)]
}

export async function runCheck(check: HealthCheck): Promise<string | undefined> {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
