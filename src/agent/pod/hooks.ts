import { type Clock, sleep } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { LifecycleHandler } from '../../models/types/core-v1.ts'
import { abortable } from '../abortable.ts'
import { type Target, type Tools, tellByHttp } from '../probe/handlers.ts'

const httpTimeoutMs = 30_000

/**
 * Runs a postStart or preStop handler to its end. Whatever a container answers by HTTP, it has been told.
 * @param fellBack is told who was to be asked by HTTPS and speaks HTTP
 * @returns what went wrong, as people should read it; undefined when all went well
 */
export async function runHook(
  tools: Tools & { clock: Clock },
  handler: LifecycleHandler,
  target: Target,
  { timeoutMs, fellBack }: { timeoutMs: number; fellBack(host: string): void },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (handler.sleep) {
      await sleep(tools.clock, Math.min(handler.sleep.seconds * 1000, timeoutMs), signal)
      return undefined
    }
    if (handler.exec) {
      const command = handler.exec.command ?? []
      const result = await abortable(tools.runtime.exec(target.id, command, timeoutMs), signal)
      if (result.timedOut) return `command '${command.join(' ')}' timed out after ${timeoutMs / 1000}s`
      if (result.exitCode === 0) return undefined
      return `command '${command.join(' ')}' exited with ${result.exitCode}: ${(result.stdout + result.stderr).slice(0, 1024)}`
    }
    if (handler.httpGet) {
      // A simulated pod has no network to be asked through.
      if (tools.runtime.probe) return undefined
      const told = tellByHttp(tools.net, handler.httpGet, target, Math.min(timeoutMs, httpTimeoutMs))
      const withoutTls = await abortable(told, signal)
      if (withoutTls !== undefined) fellBack(withoutTls)
      return undefined
    }
    return undefined
  } catch (error) {
    return explain(error)
  }
}
