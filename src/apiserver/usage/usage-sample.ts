/** What an agent's /metrics/resource said at one moment. */
export interface UsageSample {
  /** When it came, on our clock: wall time in milliseconds. */
  atMs: number
  /** Of the whole node; undefined if it was not said. */
  node: CounterSample | undefined
  /** By `namespace/name`, then container. */
  pods: Map<string, Map<string, CounterSample>>
}

/** Processor time so far, and memory now. */
export interface CounterSample {
  /** Wall time in milliseconds, on the clock of whoever measured. */
  atMs: number
  cpuSeconds: number
  memoryBytes: number
}

const line = /^(\w+)(?:\{([^}]*)\})? (\S+)(?: (\d+))?$/gm
const label = /(\w+)="([^"]*)"/g

/** Reads Prometheus' text form; what it does not know it passes over. @param atMs when it came, wall time */
export function readUsage(text: string, atMs: number): UsageSample {
  const pods: UsageSample['pods'] = new Map()
  const node = blank(atMs)
  let saidOfNode = false
  for (const [, metric, labels = '', amount, time] of text.matchAll(line)) {
    const value = Number(amount)
    if (!Number.isFinite(value) || value < 0) continue
    const sample = metric!.startsWith('node_') ? node : containerSample(pods, metric!, labels, atMs)
    if (!sample) continue
    if (sample === node) saidOfNode = true
    if (metric!.endsWith('_cpu_usage_seconds_total')) {
      sample.cpuSeconds = value
      if (time) sample.atMs = Number(time)
    } else if (metric!.endsWith('_memory_working_set_bytes')) sample.memoryBytes = value
  }
  return { atMs, node: saidOfNode ? node : undefined, pods }
}

const blank = (atMs: number): CounterSample => ({ atMs, cpuSeconds: 0, memoryBytes: 0 })

function containerSample(
  pods: UsageSample['pods'],
  metric: string,
  labels: string,
  atMs: number,
): CounterSample | undefined {
  if (metric !== 'container_cpu_usage_seconds_total' && metric !== 'container_memory_working_set_bytes')
    return undefined
  const found = new Map([...labels.matchAll(label)].map(([, name, value]) => [name, value!]))
  const place = `${found.get('namespace')}/${found.get('pod')}`
  const name = found.get('container') ?? ''
  let containers = pods.get(place)
  if (!containers) pods.set(place, (containers = new Map()))
  let sample = containers.get(name)
  if (!sample) containers.set(name, (sample = blank(atMs)))
  return sample
}
