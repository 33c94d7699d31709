import type { ContainerId, ExecResult } from '../runtime.ts'
import { CallFailed, type Connection } from './connection.ts'

/**
 * Runs a command in a container and waits for its end: a probe, a hook.
 * @param timeoutMs after which the runtime kills it, by the second; 0: never
 * @throws CallFailed, RuntimeUnavailable
 */
export async function execSync(
  connection: Pick<Connection, 'runtime'>,
  container: ContainerId,
  command: string[],
  timeoutMs: number,
): Promise<ExecResult> {
  try {
    const reply = await connection.runtime<{ stdout: Buffer; stderr: Buffer; exit_code: number }>(
      'ExecSync',
      { container_id: container, cmd: command, timeout: Math.ceil(timeoutMs / 1000) },
      // The runtime counts in seconds and kills what takes longer; this is for the rest of a second.
      { timeoutMs: timeoutMs > 0 ? Math.ceil(timeoutMs / 1000) * 1000 + 10_000 : 24 * 3_600_000 },
    )
    return {
      exitCode: reply.exit_code,
      stdout: reply.stdout.toString(),
      stderr: reply.stderr.toString(),
      timedOut: false,
    }
  } catch (error) {
    const late =
      error instanceof CallFailed && (error.deadlineExceeded || /timeout .* exceeded|timed out/.test(error.details))
    if (late) return { exitCode: 137, stdout: '', stderr: '', timedOut: true }
    throw error
  }
}
