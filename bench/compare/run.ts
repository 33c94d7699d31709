/**
 * `npm run compare -- [PROGRAM…] [--only TEXT] [--every N [--offset K]] [--out FOLDER]`: the same requests to a real kube-apiserver and to our
 * server, and the answers that differ, those of one cause together. BENCH_KUBE_APISERVER and BENCH_ETCD name the files of both
 * programs. docs/compared.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { whyNoKubernetes } from '../support/kubernetes.ts'
import { access } from './access/index.ts'
import { apply } from './apply/index.ts'
import { crds } from './crds/index.ts'
import { differencesOf } from './differences.ts'
import { discovery } from './discovery/index.ts'
import { protobuf } from './forms/protobuf.ts'
import { tables } from './forms/tables.ts'
import type { Case, Options, Program } from './program.ts'
import { lists } from './reads/lists.ts'
import { watches } from './reads/watches.ts'
import { Report } from './report.ts'
import { scheduling } from './scheduling/index.ts'
import { type Both, startBoth } from './servers.ts'
import { writes } from './writes/index.ts'

const programs: Program[] = [writes, watches, lists, scheduling, discovery, tables, protobuf, crds, apply, access]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    every: { type: 'string', default: '1' },
    offset: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
})
const refuse = (text: string): never => {
  console.error(`Error: ${text}`)
  process.exit(2)
}
const unknown = positionals.find(name => !programs.some(program => program.name === name))
if (unknown !== undefined)
  refuse(`there is no program "${unknown}"\n→ Choose of: ${programs.map(program => program.name).join(', ')}.`)
const every = Number(values.every)
if (!(every >= 1)) refuse(`--every ${values.every} is no number of 1 or more\n→ --every 10 asks one of ten.`)
const offset = Number(values.offset)
if (!(offset >= 0 && offset < every))
  refuse(
    `--offset ${values.offset} is no number below --every ${values.every}\n→ --every 10 --offset 3 asks the fourth of every ten.`,
  )
const missing = whyNoKubernetes()
if (missing)
  refuse(`there is nothing to compare with: ${missing}\n→ docs/compared.md says how to build both from Go's modules.`)

const options: Options = { every, offset, ...(values.only === undefined ? {} : { only: values.only }) }
const chosen = programs.filter(program => !positionals.length || positionals.includes(program.name))
// The system clock's timers do not keep a process alive; this one does.
const keepAlive = setInterval(() => {}, 1_000)
await using both = await startBoth()
console.log(`beside kube-apiserver ${both.kubernetes.version}`)
for (const program of chosen) {
  const lacks = program.missing?.()
  if (lacks) {
    console.log(`${program.name}: not compared: ${lacks}`)
    continue
  }
  const began = performance.now()
  const report = await compared(program, both)
  const text = `${program.name}: ${report.summary} (${Math.round((performance.now() - began) / 1000)} s)`
  if (values.out === undefined) console.log(`\n${report.text}\n${text}`)
  else {
    mkdirSync(values.out, { recursive: true })
    writeFileSync(join(values.out, `${program.name}.txt`), `${report.text}\n${text}\n`)
    console.log(text)
  }
}
clearInterval(keepAlive)

async function compared(program: Program, sides: Both): Promise<Report> {
  const report = new Report()
  const cases = program.cases(sides, options)[Symbol.asyncIterator]()
  const workers = Array.from({ length: program.width ?? 8 }, async () => {
    for (;;) {
      const next = await cases.next()
      if (next.done) return
      if (values.only !== undefined && !next.value.what.includes(values.only)) continue
      report.add(next.value, await asked(next.value, sides))
    }
  })
  await Promise.all(workers)
  return report
}

async function asked({ ask }: Case, { ours, theirs }: Both) {
  const [mine, its] = await Promise.allSettled([ask(ours), ask(theirs)])
  if (mine.status === 'fulfilled' && its.status === 'fulfilled') return differencesOf(mine.value, its.value)
  const words = (result: PromiseSettledResult<unknown>) =>
    result.status === 'rejected' ? String((result.reason as Error).message) : 'answered'
  if (mine.status === its.status) return []
  return [
    {
      cause: `no answer by ${mine.status === 'rejected' ? 'ours' : 'Kubernetes'}`,
      ours: words(mine),
      theirs: words(its),
    },
  ]
}
