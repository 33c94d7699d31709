import { setMaxListeners } from 'node:events'
import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { connect } from './connection.ts'
import { runProgram } from './program.ts'
import { systemTerminal } from './terminal.ts'

// One signal ends all that a process does; that many wait for it is no leak.
setMaxListeners(0)

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The first asks to end in order; the second does not wait for it.
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort()
  })
}
// `optiflow get pods | head` is no error.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
})

// Waiting for a timer of ours does not keep Node alive; the command does, until it is done.
setInterval(() => {}, 2 ** 30)

process.exitCode = await runProgram(process.argv.slice(2), {
  terminal: systemTerminal(),
  disk: systemDisk,
  clock: systemClock,
  signal: interrupt.signal,
  connect,
  env: process.env,
  async readStdin() {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  },
})
// Keep-alive connections and telemetry must not hold a finished command.
process.exit()
