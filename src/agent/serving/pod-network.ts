import type { Disk } from '../../base/disk.ts'

/** What went through one interface of a pod since it was made. */
export interface InterfaceCounters {
  name: string
  received: Passed
  sent: Passed
}

interface Passed {
  bytes: number
  packets?: number
  errors?: number
  dropped?: number
}

/** @param processes of the pod: one that lives tells of the network of all. @returns nothing when none lives */
export async function readInterfaces(
  disk: Disk,
  processes: readonly (number | 'self')[],
): Promise<InterfaceCounters[]> {
  for (const id of processes) {
    const text = await disk.readText(`/proc/${id}/net/dev`).catch(() => '')
    if (text) return interfacesOf(text)
  }
  return []
}

/** Of the machine, without the ends of pods' connections, which are theirs. */
export async function readHostInterfaces(disk: Disk): Promise<InterfaceCounters[]> {
  return (await readInterfaces(disk, ['self'])).filter(({ name }) => !/^(veth|cali|docker|nerdctl)/.test(name))
}

/** Of /proc/net/dev, without the loopback: after the name 8 counters of what came, then 8 of what went. */
function interfacesOf(text: string): InterfaceCounters[] {
  return text.split('\n').flatMap(line => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim()
    if (!name || name === 'lo') return []
    const counters = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number)
    return [{ name, received: passedOf(counters, 0), sent: passedOf(counters, 8) }]
  })
}

const passedOf = (counters: readonly number[], from: number): Passed => ({
  bytes: counters[from] ?? 0,
  packets: counters[from + 1] ?? 0,
  errors: counters[from + 2] ?? 0,
  dropped: counters[from + 3] ?? 0,
})
