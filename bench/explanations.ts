/**
 * Whether the smallest change that an explanation names lets the pod in, and how much processor time it takes: pods that were
 * refused in replays of recorded workloads. `npx tsx bench/explanations.ts --data DIR [--only WORKLOAD,…] [--seeds 42,43]
 * [--every 10] [--nodes 5000]`. The data's form and where it comes from: docs/scheduling-gpu.md.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultProfile } from '../src/scheduler/index.ts'
import { Explained } from './packing/explained.ts'
import { replay } from './packing/replay.ts'
import { readTrace, scaled } from './packing/trace.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    seeds: { type: 'string', default: '42,43,44,45,46,47,48,49,50,51' },
    every: { type: 'string', default: '1' },
    nodes: { type: 'string' },
  },
})
if (!values.data) {
  console.error('Error: no data\n→ Name the folder with --data DIR; docs/scheduling-gpu.md says where it comes from.')
  process.exit(1)
}
const folder = values.data
const workloads = values.only?.split(',') ?? readdirSync(join(folder, 'pods')).map(f => f.replace('.csv.gz', ''))
const seeds = values.seeds.split(',').map(Number)
const every = Number(values.every)

console.log(
  '| workload | nodes | refused | explained | by a change of the pod | without a change | wrong | p50 ms | p99 ms |',
)
console.log('|---|---|---|---|---|---|---|---|---|')
let all = 0
let wrong = 0
for (const name of workloads) {
  const read = readTrace(folder, name)
  const trace = values.nodes ? scaled(read, Number(values.nodes)) : read
  const explained = new Explained()
  let refused = 0
  for (const seed of seeds)
    replay(trace, seed, defaultProfile, (info, state, decider) => {
      if (refused++ % every === 0) explained.ask(info, state, decider)
    })
  const { count, ofPod, without, failures } = explained
  const times = [explained.ms(0.5), explained.ms(0.99)].map(ms => ms.toFixed(1))
  console.log(
    `| ${[name, trace.nodes.length, refused, count, ofPod, without, failures.length, ...times].join(' | ')} |`,
  )
  for (const failure of failures.slice(0, 5)) console.log(`  ${failure}`)
  all += count - without
  wrong += failures.length
}
console.log(`\n${all} changes made in forks, ${wrong} of them did not let the pod in`)
process.exit(wrong ? 1 : 0)
