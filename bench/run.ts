/**
 * `npm run bench [-- --only NAME] [--write]`: what the built program does on this machine, beside the goals.
 * `--write` puts the table into docs/performance.md. Measurements of real containers need root.
 * BENCH_CPU_PROF=FOLDER writes a processor profile of every program started.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { api } from './measurements/api/index.ts'
import { kubernetes } from './measurements/kubernetes/index.ts'
import { memory } from './measurements/memory.ts'
import { net } from './measurements/net/index.ts'
import { node } from './measurements/node/index.ts'
import { pods } from './measurements/pods.ts'
import { startUp } from './measurements/start-up.ts'
import { loadText, machineText, whyNoContainers } from './support/machine.ts'
import type { Measurement, Row } from './support/measurement.ts'
import { type Detail, type Result, writeReport } from './support/report.ts'
import { runScript } from './support/script.ts'

const measurements: Measurement[] = [startUp, memory, api, kubernetes, pods, node, net]
interface Room {
  name: string
  file: string
  /** Of its quick form. */
  args: string[]
  /** Asked for by its name it runs whole, for as long as it takes. */
  whole?: string[]
  containers?: boolean
}

/** Benches of single rooms, in their quick forms. */
const rooms: Room[] = [
  { name: 'apiserver', file: 'apiserver.ts', args: [] },
  { name: 'flow-control', file: 'flow-control.ts', args: [] },
  { name: 'store', file: 'store.ts', args: ['3', '0.4', '150000', '20000'] },
  { name: 'scheduler', file: 'scheduler.ts', args: ['alone', 'basic'], whole: [] },
  { name: 'models', file: 'models.ts', args: [] },
  { name: 'runtime', file: 'runtime.ts', args: ['12', '1'], containers: true },
]

const args = process.argv.slice(2)
const at = args.indexOf('--only')
const only = at < 0 ? undefined : (args[at + 1] ?? '')
const names = [...measurements, ...rooms].map(m => m.name)
if (only !== undefined && !names.includes(only)) {
  console.error(`Error: there is no measurement "${only}"\n→ Choose one of: ${names.join(', ')}.`)
  process.exit(1)
}
const chosen = <T extends { name: string }>(all: T[]) => all.filter(m => !only || m.name === only)

const root = resolve(import.meta.dirname, '..')
if (chosen(measurements).length) {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
// The system clock's timers do not keep a process alive; this one does.
const keepAlive = setInterval(() => {}, 1_000)
console.log(`${machineText()}; ${await loadText()}\n`)

const results: Result[] = []
let failed = false
for (const measurement of chosen(measurements)) {
  const load = await loadText()
  console.log(`${measurement.name} (${load})`)
  const rows: Row[] = []
  try {
    for await (const row of measurement.run()) {
      rows.push(row)
      const mark = row.goal ? (row.reached ? `  goal ${row.goal}: reached` : `  goal ${row.goal}: NOT REACHED`) : ''
      console.log(`  ${row.what.padEnd(36)} ${row.value}${mark}${row.note ? `\n  ${' '.repeat(36)} ${row.note}` : ''}`)
    }
  } catch (error) {
    failed = true
    rows.push({ what: measurement.name, value: 'failed', note: String((error as Error).message).split('\n')[0]! })
    console.log(`  failed: ${(error as Error).stack}`)
  }
  results.push({ measurement, rows, load })
}

const details: Detail[] = []
const wholeLimitMs = 3_600_000
for (const { name, file, args: quick, whole, containers } of chosen(rooms)) {
  const missing = containers ? whyNoContainers() : undefined
  const given = (only === name && whole) || quick
  const command = `npx tsx bench/${file} ${given.join(' ')}`.trim()
  console.log(`\n${command}`)
  const heard = (text: string) => process.stdout.write(text)
  const text = missing
    ? `not measured: ${missing}`
    : await runScript(file, given, given === whole ? { limitMs: wholeLimitMs, heard } : {}).catch(error => {
        failed = true
        const text = String(error.message)
        if (given === whole) console.log(text)
        return text
      })
  details.push({ name, command, text })
  if (given !== whole) console.log(text)
}
if (args.includes('--write')) {
  const path = writeReport(root, results, details)
  console.log(`\nwritten: ${path}`)
}
clearInterval(keepAlive)
process.exit(failed ? 1 : 0)
