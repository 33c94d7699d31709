import { setMaxListeners } from 'node:events'
import { keepAlive, systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { systemNet } from '../base/net.ts'
import type { CliCommand, Outside } from './command.ts'
import { connect } from './connection.ts'
import { runProgram } from './program.ts'
import { systemStreams } from './standard-streams.ts'
import { systemTerminal } from './terminal.ts'

/** Carries out this process's own command line as one of `commands`, and ends the process. */
export async function runProcess(commands: readonly CliCommand[]): Promise<never> {
  // One signal ends all that a process does; that many wait for it is no leak.
  setMaxListeners(0)
  // `optiflow get pods | head` is no error.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
  })
  keepAlive()
  process.exitCode = await runProgram(process.argv.slice(2), outside(interrupted()), commands)
  // Keep-alive connections and telemetry must not hold a finished command.
  process.exit()
}

/** The first signal asks to end in order; the second does not wait for it. */
function interrupted(): AbortSignal {
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(130)
      interrupt.abort()
    })
  return interrupt.signal
}

function outside(signal: AbortSignal): Outside {
  return {
    terminal: systemTerminal(),
    disk: systemDisk,
    net: systemNet,
    streams: systemStreams(),
    clock: systemClock,
    signal,
    connect,
    env: process.env,
    async readStdin() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
  }
}
