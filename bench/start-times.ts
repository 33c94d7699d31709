/**
 * How well starts are predicted in queues: recorded jobs arrive at virtual clusters, each a queue of one cohort, and run on
 * as many devices as make them wait. `npx tsx bench/start-times.ts --data philly_vc_jobs_seed0.csv [--load 0.9] [--learned]`
 * With --learned nobody says how long a job runs: the mean of earlier ones of its queue and model is taken.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseTable } from '../src/scheduler/index.ts'
import type { QueueRules, Started, Unit } from '../src/scheduler/queues/ledger.ts'
import { planQueues, type QueueWorld } from '../src/scheduler/queues/plan.ts'
import { predictStarts } from '../src/scheduler/queues/prediction.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    load: { type: 'string', default: '0.9' },
    jobs: { type: 'string', default: '3000' },
    learned: { type: 'boolean', default: false },
  },
})
if (!values.data) {
  console.error('Error: no data\n→ Name the file of jobs with --data FILE; docs/queues.md says where it comes from.')
  process.exit(1)
}

interface Job {
  unit: Unit
  model: string
  arrivalMs: number
  runsMs: number
  startMs?: number
  predictedMs?: number
}

const gpu = 0
const jobs: Job[] = parseTable(readFileSync(values.data, 'utf8'))
  .filter(line => Number(line['est_duration_s_v100']) > 0 && line['arrival_s'] !== '')
  .sort((a, b) => Number(a['arrival_s']) - Number(b['arrival_s']))
  .slice(0, Number(values.jobs))
  .map((line, order) => {
    const runsMs = Number(line['est_duration_s_v100']) * 1_000
    const need = new Map([[gpu, Number(line['gpus'])]])
    const queue = line['vc']!
    const unit = { key: `${order}`, queue, need, priority: 0, order, durationMs: runsMs, blocked: false }
    return { unit, model: `${queue} ${line['model']}`, arrivalMs: Number(line['arrival_s']) * 1_000, runsMs }
  })

const spanMs = jobs.at(-1)!.arrivalMs - jobs[0]!.arrivalMs
const workOf = (list: Job[]) => list.reduce((sum, j) => sum + j.unit.need.get(gpu)! * j.runsMs, 0)
const widest = (list: Job[]) => Math.max(...list.map(j => j.unit.need.get(gpu)!))
const names = [...new Set(jobs.map(j => j.unit.queue))]
const devices = Math.max(Math.ceil(workOf(jobs) / spanMs / Number(values.load)), widest(jobs))
const queues = new Map<string, QueueRules>(
  names.map(name => {
    const own = jobs.filter(j => j.unit.queue === name)
    const quota = new Map([[gpu, Math.ceil((devices * workOf(own)) / workOf(jobs))]])
    const borrowingLimit = new Map<number, number>()
    const manners = { cohort: 'all', borrowingLimit, weight: 1, backfill: 'Expected', reclaim: 'Never', hold: false }
    return [name, { name, quota, ...manners } as QueueRules]
  }),
)

const means = new Map<string, number>()
const expected = (job: Job) =>
  values.learned ? (means.get(job.model) ?? means.get(job.unit.queue) ?? 3_600_000) : job.runsMs
function learn(job: Job): void {
  for (const key of [job.model, job.unit.queue]) {
    const mean = means.get(key)
    means.set(key, mean === undefined ? job.runsMs : mean + 0.3 * (job.runsMs - mean))
  }
}

let waiting: Job[] = []
let running: (Job & { endsMs: number })[] = []
let nowMs = jobs[0]!.arrivalMs
let next = 0
const world = (): QueueWorld => {
  const used = running.reduce((sum, r) => sum + r.unit.need.get(gpu)!, 0)
  const started: Started[] = running.map(({ unit, startMs }) => ({
    ...unit,
    sinceMs: startMs!,
    endsMs: Math.max(startMs! + unit.durationMs, nowMs),
    ending: false,
  }))
  return { nowMs, queues, free: new Map([[gpu, devices - used]]), started, waiting: waiting.map(j => j.unit) }
}
while (next < jobs.length || waiting.length) {
  const arrivals: Job[] = []
  for (; next < jobs.length && jobs[next]!.arrivalMs <= nowMs; next++) {
    const job = jobs[next]!
    job.unit.durationMs = expected(job)
    arrivals.push(job)
  }
  waiting.push(...arrivals)
  if (arrivals.length) {
    const predicted = predictStarts(world(), Number.POSITIVE_INFINITY)
    for (const job of arrivals) {
      const at = predicted.get(job.unit.key)
      if (at !== undefined) job.predictedMs = at
    }
  }
  const byKey = new Map(waiting.map(j => [j.unit.key, j]))
  for (const { key } of planQueues(world()).start) {
    const job = byKey.get(key)!
    job.startMs = nowMs
    running.push(Object.assign(job, { endsMs: nowMs + job.runsMs }))
  }
  waiting = waiting.filter(j => j.startMs === undefined)
  const ends = running.reduce((first, r) => Math.min(first, r.endsMs), Number.POSITIVE_INFINITY)
  nowMs = Math.max(nowMs, Math.min(ends, jobs[next]?.arrivalMs ?? Number.POSITIVE_INFINITY))
  if (nowMs === Number.POSITIVE_INFINITY) break
  for (const done of running.filter(r => r.endsMs <= nowMs)) learn(done)
  running = running.filter(r => r.endsMs > nowMs)
}

/** Within a fifth of the wait, or a minute: what is shown is whole minutes. */
const good = (j: Job) =>
  j.predictedMs !== undefined &&
  Math.abs(j.predictedMs - j.startMs!) <= Math.max(0.2 * (j.startMs! - j.arrivalMs), 60_000)
const waited = jobs.filter(j => j.startMs! > j.arrivalMs)
const part = (list: Job[]) => `${((100 * list.filter(good).length) / list.length).toFixed(1)} % of ${list.length}`
const sorted = waited.map(j => (j.startMs! - j.arrivalMs) / 60_000).sort((a, b) => a - b)
console.log(
  `${jobs.length} jobs of ${names.length} queues on ${devices} devices, ${values.learned ? 'durations learned' : 'durations told'}`,
)
console.log(
  `started within ± 20 % of the wait that was predicted on arrival: ${part(jobs)} jobs; of those that waited: ${part(waited)}`,
)
console.log(`median wait of those: ${sorted[Math.floor(sorted.length / 2)]?.toFixed(0)} minutes`)
