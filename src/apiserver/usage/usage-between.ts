import type { CounterSample, UsageSample } from './usage-sample.ts'

export interface Usage {
  /** Billionths of a core, on average over the window. */
  nanoCores: number
  memoryBytes: number
}

export interface NodeUsage {
  /** End of the window: wall time in milliseconds. */
  atMs: number
  windowMs: number
  node: Usage
  /** By `namespace/name`; containers in the order in which the agent names them. */
  pods: Map<string, { name: string; usage: Usage }[]>
}

/** What was used between two samples of the same node; the second is the newer. */
export function usageBetween(before: UsageSample, after: UsageSample): NodeUsage {
  const pods: NodeUsage['pods'] = new Map()
  let allNanoCores = 0
  let allMemory = 0
  for (const [pod, containers] of after.pods) {
    const known = before.pods.get(pod)
    const usages = [...containers].map(([name, sample]) => {
      // A container that was not there has used nothing until then.
      const usage = usageOf(known?.get(name) ?? { atMs: before.atMs, cpuSeconds: 0, memoryBytes: 0 }, sample)
      allNanoCores += usage.nanoCores
      allMemory += usage.memoryBytes
      return { name, usage }
    })
    pods.set(pod, usages)
  }
  return {
    atMs: after.atMs,
    windowMs: Math.max(after.atMs - before.atMs, 0),
    node: nodeUsage(before.node, after.node) ?? { nanoCores: allNanoCores, memoryBytes: allMemory },
    pods,
  }
}

/** Undefined where the counter fell: it counts pods, and one that ended has taken its part with it. */
function nodeUsage(before: CounterSample | undefined, after: CounterSample | undefined): Usage | undefined {
  return before && after && after.cpuSeconds >= before.cpuSeconds ? usageOf(before, after) : undefined
}

function usageOf(before: CounterSample, after: CounterSample): Usage {
  const elapsedMs = after.atMs - before.atMs
  // A counter that fell began again at zero: the container was restarted.
  const fell = after.cpuSeconds < before.cpuSeconds
  const usedSeconds = fell ? after.cpuSeconds : after.cpuSeconds - before.cpuSeconds
  return {
    nanoCores: elapsedMs > 0 ? Math.round((usedSeconds / elapsedMs) * 1e12) : 0,
    memoryBytes: Math.round(after.memoryBytes),
  }
}
