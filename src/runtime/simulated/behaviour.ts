const prefix = 'simulated.optiflow.dev/'

/**
 * How a simulated container behaves, read from its pod's annotations. Each may be said for one container alone by a
 * suffix: `simulated.optiflow.dev/exit-code.web`. Durations are `250ms`, `2s`, `5m` or `1h`.
 *
 * | annotation `simulated.optiflow.dev/…` | what happens |
 * |---|---|
 * | `sandbox-error: TEXT` | the sandbox is refused with TEXT |
 * | `pull-delay: 2s` | pulling takes so long (if the image is not present) |
 * | `pull-error: TEXT` | pulling fails with TEXT |
 * | `start-delay: 2s` | from start to running |
 * | `start-error: TEXT` | the container is created, but its program does not start |
 * | `exit-code: 3` | the program ends with this code … |
 * | `exit-signal: 11` | … or by this signal (code 128 + signal) … |
 * | `oom: true` | … or is killed for its memory (137, OOMKilled) … |
 * | `exit-after: 10s` | … after so long (default: at once; alone: code 0) … |
 * | `exit-times: 2` | … only on its first 2 attempts, then it stays up |
 * | `termination-message: TEXT` | the last words, when it ends |
 * | `ignore-sigterm: true` | only SIGKILL ends it |
 * | `stop-delay: 3s` | from SIGTERM to its end |
 * | `not-ready: true` | readiness and startup probes fail |
 * | `ready-after: 5s` | they fail that long after the start |
 * | `unhealthy-after: 60s` | liveness probes fail from then on |
 * | `log: TEXT` | lines it writes when it starts |
 * | `log-every: 1s` | it writes a line every so often |
 * | `cpu-millis: 250`, `memory-bytes: 67108864` | its usage |
 */
export interface Behaviour {
  sandboxError?: string
  pullDelayMs?: number
  pullError?: string
  startDelayMs?: number
  startError?: string
  /** Undefined: it runs until it is stopped. */
  end?: { afterMs: number; exitCode: number; signal?: number; oom: boolean }
  terminationMessage?: string
  ignoresSigterm: boolean
  stopDelayMs: number
  /** Infinity: never ready. */
  readyAfterMs: number
  unhealthyAfterMs: number
  logLines: string[]
  logEveryMs?: number
  cpuMillis: number
  memoryBytes: number
}

/** @param container whose behaviour; undefined for that of the pod as a whole */
export function readBehaviour(annotations: Record<string, string>, container?: string, attempt = 0): Behaviour {
  const text = (name: string): string | undefined =>
    (container === undefined ? undefined : annotations[`${prefix}${name}.${container}`]) ??
    annotations[`${prefix}${name}`]
  const ms = (name: string): number | undefined => durationMs(text(name))
  const flag = (name: string): boolean => text(name) === 'true'
  const number = (name: string): number | undefined => {
    const value = Number(text(name) ?? Number.NaN)
    return Number.isFinite(value) ? value : undefined
  }
  const log = text('log')
  return {
    ...defined('sandboxError', text('sandbox-error')),
    ...defined('pullDelayMs', ms('pull-delay')),
    ...defined('pullError', text('pull-error')),
    ...defined('startDelayMs', ms('start-delay')),
    ...defined('startError', text('start-error')),
    ...defined('end', attempt < (number('exit-times') ?? Number.POSITIVE_INFINITY) ? end() : undefined),
    ...defined('terminationMessage', text('termination-message')),
    ignoresSigterm: flag('ignore-sigterm'),
    stopDelayMs: ms('stop-delay') ?? 0,
    readyAfterMs: flag('not-ready') ? Number.POSITIVE_INFINITY : (ms('ready-after') ?? 0),
    unhealthyAfterMs: ms('unhealthy-after') ?? Number.POSITIVE_INFINITY,
    logLines: log === undefined ? [] : log.replace(/\n$/, '').split('\n'),
    ...defined('logEveryMs', ms('log-every')),
    cpuMillis: number('cpu-millis') ?? 1,
    memoryBytes: number('memory-bytes') ?? 4 << 20,
  }

  function end(): Behaviour['end'] {
    const afterMs = ms('exit-after')
    const code = number('exit-code')
    const signal = flag('oom') ? 9 : number('exit-signal')
    if (afterMs === undefined && code === undefined && signal === undefined) return undefined
    return {
      afterMs: afterMs ?? 0,
      exitCode: signal === undefined ? (code ?? 0) : 128 + signal,
      ...(signal === undefined ? {} : { signal }),
      oom: flag('oom'),
    }
  }
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `250ms`, `2s`, `5m`, `1h30m` in milliseconds; undefined when absent or nonsense. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * units[unit!]!
  return total
}

function defined<K extends keyof Behaviour>(key: K, value: Behaviour[K] | undefined): Partial<Pick<Behaviour, K>> {
  return value === undefined ? {} : ({ [key]: value } as Pick<Behaviour, K>)
}
