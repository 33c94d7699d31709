import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'

/** `2 × Some CPU 2.5 GHz, 23 GB, Linux 6.1, Node 20.20` */
export function machineText(): string {
  const all = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  return `${all.length} × ${all[0]?.model.trim() ?? 'processor'}, ${memory} GB, Linux ${kernel}, Node ${process.version.slice(1)}`
}

/**
 * Share of the processors that nobody used during half a second, and the load average. Say it beside every number:
 * on a shared machine it explains most of the differences between two runs.
 */
export async function loadText(): Promise<string> {
  const sample = () => {
    let idle = 0
    let all = 0
    for (const { times } of cpus()) {
      idle += times.idle
      all += times.idle + times.user + times.sys + times.nice + times.irq
    }
    return { idle, all }
  }
  const before = sample()
  await new Promise(resolve => setTimeout(resolve, 500))
  const after = sample()
  const free = (100 * (after.idle - before.idle)) / Math.max(1, after.all - before.all)
  return `${free.toFixed(0)} % idle, load ${loadavg()[0]!.toFixed(1)}`
}

/** Why real containers cannot run here; undefined when they can. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'not root'
  for (const program of ['containerd', 'runc', 'nft', 'ip'])
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    } catch {
      return `${program} is not installed`
    }
  return undefined
}
