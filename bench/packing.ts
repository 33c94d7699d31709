/**
 * How much of a GPU cluster is used when a recorded workload has arrived: `npx tsx bench/packing.ts --data DIR
 * [--only WORKLOAD,…] [--seeds 42,43] [--check | --rebalance | --variants]`. The data's form and where it comes from: docs/scheduling-gpu.md.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { gpuMilliResource } from '../src/scheduler/gpu/gpu-request.ts'
import { defaultProfile, parseTable, planRebalance } from '../src/scheduler/index.ts'
import { bestFit, firstFit, fragmentationGradient } from './packing/published-policies.ts'
import { type Replay, replay } from './packing/replay.ts'
import { readTrace } from './packing/trace.ts'
import { variantOf, variants } from './packing/variants.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    seeds: { type: 'string' },
    check: { type: 'boolean' },
    rebalance: { type: 'boolean' },
    variants: { type: 'boolean' },
  },
})
if (!values.data) {
  console.error('Error: no data\n→ Name the folder with --data DIR; docs/scheduling-gpu.md says where it comes from.')
  process.exit(1)
}
const folder = values.data
const published = parseTable(readFileSync(join(folder, 'published.csv'), 'utf8'))
const baselines = ['FGD@100', 'FirstFit_ours@100', 'FGD+cpuStrand_ours@100']
const all = readdirSync(join(folder, 'pods')).map(file => file.replace('.csv.gz', ''))
const workloads = values.only ? values.only.split(',') : all
const seeds = (values.seeds ?? '42,43,44,45,46,47,48,49,50,51').split(',').map(Number)
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

function check(): void {
  const trace = readTrace(folder, 'default')
  const expect = (what: string, found: number, expected: number) =>
    console.log(
      `${what}: ${found.toFixed(2)}, published ${expected}${found.toFixed(2) === `${expected}` ? '' : ' DIFFERS'}`,
    )
  expect('BestFit, default, seed 42, at 100 %', replay(trace, 42, bestFit).allocated(100), 92.94)
  expect('FGD, default, seed 42, at 130 %', replay(trace, 42, fragmentationGradient(trace)).allocated(130), 95.29)
}

/** At the end of the replay everything that waits is tried again, and at most 1 % of the placed pods move. */
function rebalance(): void {
  console.log('| workload | seed | at 130 % | after retry and moves | pods moved | s |\n|---|---|---|---|---|---|')
  for (const name of workloads) {
    const trace = readTrace(folder, name)
    for (const seed of seeds) {
      const { state, placed, unplaced, allocated } = replay(trace, seed)
      const world = { state, profiles: [defaultProfile], budgets: [], pending: unplaced.map(p => p.pod) }
      const beganMs = systemClock.monotonicMs()
      const plan = planRebalance(world, { mostMoves: Math.floor(placed.length / 100), mayMove: () => true })
      const seconds = (systemClock.monotonicMs() - beganMs) / 1_000
      const moved = plan.rescues.reduce((sum, r) => sum + r.moves.length, 0)
      const { requested, allocatable } = plan.after[gpuMilliResource]!
      const row = [
        name,
        seed,
        allocated(130).toFixed(2),
        ((100 * requested) / allocatable).toFixed(2),
        moved,
        seconds.toFixed(1),
      ]
      console.log(`| ${row.join(' | ')} |`)
    }
  }
}

function acceptance(runs: Replay[]): string {
  const share = (kind: string) => {
    const counts = runs.map(r => r.accepted[kind]).filter(c => c !== undefined)
    return counts.length
      ? `${((100 * mean(counts.map(c => c.placed))) / mean(counts.map(c => c.all))).toFixed(1)}`
      : '–'
  }
  return ['no GPU', 'share', 'one GPU', 'several GPUs'].map(share).join(' / ')
}

function measure(): void {
  console.log(
    '| workload | at 100 % | best baseline | FGD | at 130 % | accepted at 130 %: no GPU / share / one / several | processor s a run |',
  )
  console.log('|---|---|---|---|---|---|---|')
  const gains: number[] = []
  for (const name of workloads) {
    const trace = readTrace(folder, name)
    const runs = seeds.map(seed => replay(trace, seed))
    const known = published.find(p => p['trace'] === name)
    const at100 = mean(runs.map(r => r.allocated(100)))
    const fgd = Number(known?.['FGD@100'] ?? Number.NaN)
    const best = Math.max(...baselines.concat(policies(known)).map(column => Number(known?.[column] ?? Number.NaN)))
    gains.push(at100 - fgd)
    const row = [
      name,
      at100.toFixed(2),
      `${best.toFixed(2)}${at100 >= best ? '' : ' NOT REACHED'}`,
      fgd.toFixed(2),
      mean(runs.map(r => r.allocated(130))).toFixed(2),
      acceptance(runs),
      (mean(runs.map(r => r.ms)) / 1_000).toFixed(2),
    ]
    console.log(`| ${row.join(' | ')} |`)
  }
  console.log(`\nabove FGD at 100 %: ${mean(gains).toFixed(2)} points on average`)
}

/** Workloads that were not recorded, so that nobody can have fitted anything to them: see packing/variants.ts. */
function unseen(): void {
  console.log(
    '| made of | variant | seed | at 100 % | first fit | best fit | FGD | above the best of them |\n|---|---|---|---|---|---|---|---|',
  )
  const gains: number[] = []
  for (const name of workloads) {
    const recorded = readTrace(folder, name)
    for (const variant of variants)
      for (const seed of seeds) {
        const trace = variantOf(recorded, variant, seed)
        const ours = replay(trace, seed).allocated(100)
        const others = [firstFit, bestFit, fragmentationGradient(trace)].map(p => replay(trace, seed, p).allocated(100))
        gains.push(ours - Math.max(...others))
        const figures = [ours, ...others, gains.at(-1)!].map(n => n.toFixed(2))
        console.log(`| ${[name, variant.name, seed, ...figures].join(' | ')} |`)
      }
  }
  const below = gains.filter(g => g < 0).length
  console.log(
    `\n${mean(gains).toFixed(2)} points above the best of the others on average, below it in ${below} of ${gains.length}`,
  )
}

function policies(line: Record<string, string> | undefined): string[] {
  return Object.keys(line ?? {}).filter(column => column.endsWith('@100') && !column.includes('_ours'))
}

if (values.check) check()
else if (values.variants) unseen()
else if (values.rebalance) rebalance()
else measure()
