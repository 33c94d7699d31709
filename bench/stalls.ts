/*
 * How long a commit waits while history is compacted, swept and vacuumed, beside the same load without; turn about, 16 in
 * flight, values that differ little (kept as differences) and much, and ten of 600 KB a second; and what the disk and the machine do by
 * themselves: as many bytes as such a group has, appended to a file and synced, again and again.
 *   npx tsx bench/stalls.ts [turns] [seconds per turn]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureStalls } from '../src/db/sqlite/testing/stalls.ts'

const turns = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 2)
const bounds = [1, 5, 10, 20, 50, 100, Number.POSITIVE_INFINITY]

function line(name: string, latencies: number[]): string {
  latencies.sort((a, b) => a - b)
  const at = (share: number) =>
    latencies[Math.min(Math.floor(share * latencies.length), latencies.length - 1)]!.toFixed(1)
  const counts = bounds.map((bound, i) => latencies.filter(l => l <= bound && l > (bounds[i - 1] ?? 0)).length)
  const histogram = bounds.map((bound, i) => `≤ ${bound} ms: ${counts[i]}`).join(', ')
  const parts = [0.5, 0.99, 0.999, 0.9999].map(share => `p${share * 100} ${at(share)} ms`).join(', ')
  return `${name} ${latencies.length}, ${parts}, worst ${at(1)} ms; ${histogram}`
}

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'optiflow-bench-'))
const { bare, without, beside } = await measureStalls(folder, turns, seconds)
console.log(line('bare syncs:                 ', bare))
console.log(line('commits, without compaction:', without))
console.log(line('commits, while compacting:  ', beside))
rmSync(folder, { recursive: true })
