import { type Clock, every } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import { explain, OptiFlowError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { InformerSet } from '../client/index.ts'
import { EndpointSlice, Service } from '../models/kinds/index.ts'
import { difference, wholeTable } from './nft-script.ts'
import { planServiceRules, type RuleSet } from './service-rules.ts'

export interface ServiceProxyOptions {
  nodeName: string
  informers: InformerSet
  commands: Commands
  clock: Clock
  log: Logger
  /** nftables table that is ours alone, family ip. */
  table?: string
}

export interface ServiceProxy extends AsyncDisposable {
  /** Resolves when the rules of all Services known at the call are in the kernel. @throws ProxyFailed */
  ready(signal?: AbortSignal): Promise<void>
}

/** The kernel refused our rules. */
export class ProxyFailed extends OptiFlowError {}

export const serviceTable = 'optiflow-services'

/** Changes that come within this time are written together. */
const gatherMs = 20
/** How often we look whether somebody flushed our table. */
const auditMs = 5_000

/**
 * Keeps the node's nftables rules such that every Service's address and port leads to its ready endpoints. Disposing
 * leaves the rules, so that Services answer while we are away; `removeServiceRules` takes them out.
 */
export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { commands, clock, log } = options
  const table = options.table ?? serviceTable
  const services = options.informers.for(Service)
  const slices = options.informers.for(EndpointSlice)
  const stop = new AbortController()
  let applied: RuleSet | undefined
  let scheduled = false
  let running: Promise<void> = Promise.resolve()
  let failures = 0

  const changed = () => {
    if (scheduled || stop.signal.aborted) return
    scheduled = true
    clock.schedule(gatherMs, () => {
      scheduled = false
      void syncNow().catch(() => {})
    })
  }

  /** One at a time; a failure is logged, retried with back-off, and told to the caller. */
  function syncNow(): Promise<void> {
    const attempt = running.then(sync)
    running = attempt.catch(error => {
      applied = undefined
      failures++
      log.error({ error: explain(error), table }, 'service rules not written, will try again')
      clock.schedule(Math.min(500 * 2 ** failures, 30_000), changed)
    })
    return attempt
  }

  async function sync(): Promise<void> {
    if (stop.signal.aborted || !services.synced || !slices.synced) return
    const wanted = planServiceRules({ services: services.list(), slices: slices.list(), nodeName: options.nodeName })
    const script = applied ? difference(table, applied, wanted).join('\n') : wholeTable(table, wanted)
    if (script) await run(script)
    applied = wanted
    failures = 0
  }

  async function run(script: string): Promise<void> {
    try {
      await commands.run('nft', ['-f', '-'], { stdin: `${script}\n` })
    } catch (cause) {
      const hint = 'nft needs root and a kernel with nf_tables.'
      throw new ProxyFailed(`cannot write service rules to nftables table ${table}`, { cause, hint })
    }
  }

  /** Somebody's `nft flush ruleset` takes our table with it: put it back. */
  async function audit(): Promise<void> {
    if (!applied) return
    const { code } = await commands.run('nft', ['list', 'chain', 'ip', table, 'prerouting'], { allowFailure: true })
    if (code === 0) return
    log.warn({ table }, 'the service rules were gone; writing them anew')
    applied = undefined
    changed()
  }

  const handler = { added: changed, updated: changed, deleted: changed }
  const unsubscribe = [services.subscribe(handler), slices.subscribe(handler)]
  every(
    clock,
    auditMs,
    () => audit().catch(error => log.warn({ error: explain(error) }, 'cannot look at the service rules')),
    stop.signal,
  )

  return {
    async ready(signal) {
      await Promise.all([services.ready(signal), slices.ready(signal)])
      await syncNow()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      for (const end of unsubscribe) end()
      await running
    },
  }
}

/** Takes our table out of the kernel; no table is fine. */
export async function removeServiceRules(commands: Commands, table = serviceTable): Promise<void> {
  await commands.run('nft', ['-f', '-'], { stdin: `add table ip ${table}\ndelete table ip ${table}\n` })
}
