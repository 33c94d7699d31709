import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ is 100 on every Linux that Node runs on.
const msPerTick = 10

/** Processor time that a process has used, in milliseconds: all threads, and the main one alone. */
export function processorMs(pid: number): { all: number; main: number } {
  return { all: ticks(`/proc/${pid}/stat`) * msPerTick, main: ticks(`/proc/${pid}/task/${pid}/stat`) * msPerTick }
}

/** Processor time of this process so far, in milliseconds, exact to less than one: its main thread, and all others together. */
export function ownProcessorMs(): { main: number; others: number } {
  const main = Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  const { user, system } = process.cpuUsage()
  return { main, others: (user + system) / 1000 - main }
}

function ticks(path: string): number {
  const text = readFileSync(path, 'utf8')
  // The name in parentheses may hold blanks: user and system time are the 12th and 13th fields after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Resident memory in MB (2^20 bytes). */
export function residentMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb) / 1024
}

/** Process ids whose command line holds `text`. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false
      }
    })
    .map(Number)
}
