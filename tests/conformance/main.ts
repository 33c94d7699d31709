/**
 * `npm run conformance`: the Kubernetes conformance suite, unchanged, against two nodes with real containers. What it needs and takes stands in
 * README.md beside this file.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { realImpossible } from '../support/parts.ts'
import { onPath } from '../support/processes.ts'
import { startNodes } from './nodes.ts'
import { buildPrograms } from './programs.ts'
import { type Outcome, runSpecs, type Spec, specsOf } from './specs.ts'

const { values: flags } = parseArgs({
  options: {
    focus: { type: 'string', default: '\\[Conformance\\]' },
    skip: { type: 'string' },
    folder: { type: 'string', default: join(tmpdir(), 'optiflow-conformance') },
    parallel: { type: 'string', default: '6' },
    chunk: { type: 'string', default: '8' },
  },
})
/** Debian's packages that the suite's images are made of, by a program of each. */
const packages = { dig: 'bind9-dnsutils', curl: 'curl', 'nc.openbsd': 'netcat-openbsd', etcd: 'etcd-server' }
const lacking = Object.entries(packages).flatMap(([program, name]) => (onPath(program) ? [] : [name]))
if (lacking.length)
  throw new Error(
    `the suite's images are made of programs that are missing. Install them: apt-get install ${lacking.join(' ')}`,
  )
const obstacle = realImpossible()
if (obstacle) throw new Error(`the suite needs real containers, and this machine has ${obstacle}`)

const programs = await buildPrograms(flags.folder, console.log)
const folder = join(flags.folder, 'reports')
await mkdir(folder, { recursive: true })
await using nodes = await startNodes(flags.folder)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await nodes[Symbol.asyncDispose]()
    process.exit(130)
  })
const suite = { program: programs.path('e2e.test'), nodes, folder }
const skip = flags.skip === undefined ? undefined : new RegExp(flags.skip)
const specs = (await specsOf(suite, flags.focus)).filter(({ name }) => !skip?.test(name))
console.log(`${specs.length} specs`)

const started = performance.now()
const outcomes = await inChunks(
  specs.filter(({ serial }) => !serial),
  Number(flags.parallel),
  Number(flags.chunk),
)
// What fails beside others runs once more alone, and is told as such.
const again = outcomes.filter(({ state }) => state === 'failed')
for (const { spec } of again) {
  const [alone] = await runSpecs(suite, 'again', [spec])
  if (alone!.state !== 'passed') continue
  console.log(`passed alone: ${spec}`)
  outcomes.splice(
    outcomes.findIndex(one => one.spec === spec),
    1,
    alone!,
  )
}
outcomes.push(
  ...(await inChunks(
    specs.filter(({ serial }) => serial),
    1,
    specs.length,
  )),
)

await writeFile(join(folder, 'outcomes.json'), JSON.stringify(outcomes, undefined, 1))
for (const { spec, state, message } of outcomes)
  if (state === 'failed') console.log(`FAILED ${spec}\n  ${message.split('\n').slice(0, 6).join('\n  ')}`)
const count = (state: Outcome['state']) => outcomes.filter(one => one.state === state).length
console.log(`${Math.round((performance.now() - started) / 60_000)} minutes`)
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exitCode = count('failed') ? 1 : 0

/** Runs specs a few at a time in several processes beside each other. */
async function inChunks(all: readonly Spec[], parallel: number, size: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const names = all.map(({ name }) => name)
  let next = 0
  const worker = async () => {
    for (let at = next; at < names.length; at = next) {
      next += size
      const told = await runSpecs(suite, `chunk-${at}`, names.slice(at, at + size))
      outcomes.push(...told)
      for (const { spec, state } of told) if (state === 'failed') console.log(`failed: ${spec}`)
      console.log(`${outcomes.length} of ${names.length}`)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return outcomes
}
