/** `0-1,3`, as the kernel writes sets of processors. @returns their numbers, ascending */
export function parseCpuList(text: string): number[] {
  const out = new Set<number>()
  for (const part of text.trim().split(',').filter(Boolean)) {
    const [from, to = from] = part.split('-').map(Number) as [number, number?]
    for (let n = from; n <= to!; n++) out.add(n)
  }
  return [...out].sort((a, b) => a - b)
}

/** The other way round. */
export function cpuListText(cpus: Iterable<number>): string {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; i++) {
    const from = sorted[i]!
    while (sorted[i + 1] === sorted[i]! + 1) i++
    parts.push(from === sorted[i] ? `${from}` : `${from}-${sorted[i]}`)
  }
  return parts.join(',')
}
