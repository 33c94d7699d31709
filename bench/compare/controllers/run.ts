/**
 * `npm run compare:controllers -- [STORY…] [--out FILE]`: the same stories in a cluster of Kubernetes' own API server and controllers
 * and in one of ours, and how their objects and events differ after each step. docs/compared.md.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { whyNoControllers, whyNoKubernetes } from '../../support/kubernetes.ts'
import { pause } from '../../support/statistics.ts'
import type { Difference } from '../differences.ts'
import { Report } from '../report.ts'
import type { Both } from '../servers.ts'
import { addNode, startActor } from './actor.ts'
import { startClusters } from './clusters.ts'
import { compareLooks, lookAt } from './look.ts'
import { Scene } from './scene.ts'
import { stories } from './stories/index.ts'
import type { Step, Story } from './story.ts'

const width = 4
const longestMs = 90_000

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } })
const refuse = (text: string): never => {
  console.error(`Error: ${text}`)
  process.exit(2)
}
const missing = whyNoKubernetes() || whyNoControllers()
if (missing)
  refuse(`there is nothing to compare with: ${missing}\n→ docs/compared.md says how to build all from Go's modules.`)
const chosen = stories.filter(({ name }) => !positionals.length || positionals.some(word => name.startsWith(word)))
if (!chosen.length) refuse(`no story begins so\n→ Choose of: ${stories.map(({ name }) => name).join(', ')}.`)

const keepAlive = setInterval(() => {}, 1_000)
await using both = await startClusters()
await using _ours = startActor(both.ours)
await using _theirs = startActor(both.theirs)
for (const side of [both.ours, both.theirs]) {
  await addNode(side, 'node-a', { 'topology.kubernetes.io/zone': 'a' })
  await addNode(side, 'node-b', { 'topology.kubernetes.io/zone': 'b' })
}
const report = new Report()
const waiting = [...chosen]
await Promise.all(
  Array.from({ length: width }, async () => {
    for (let story = waiting.shift(); story; story = waiting.shift()) await tell(story, both)
  }),
)
if (values.out === undefined) console.log(report.text)
console.log(report.summary)
clearInterval(keepAlive)

function add(what: string, differences: Difference[]): void {
  report.add({ what }, differences)
  if (values.out !== undefined) writeFileSync(values.out, `${report.text}\ncontrollers: ${report.summary}\n`)
}

async function tell(story: Story, { ours, theirs }: Both): Promise<void> {
  const scenes = [new Scene(ours, story.name), new Scene(theirs, story.name)] as const
  for (const step of story.steps) {
    const what = `${story.name}: ${step.what}`
    try {
      await Promise.all(scenes.map(prepared))
      await Promise.all(scenes.map(scene => step.act(scene)))
      add(what, await settled(scenes, story, step))
    } catch (error) {
      add(what, [{ cause: 'the step cannot be taken', ours: String((error as Error).message), theirs: '' }])
      return
    }
  }
}

/** The story's namespace, and the account without which no pod is let in. */
async function prepared({ side, namespace }: Scene): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}`
  if ((await side.ask({ method: 'GET', path })).status === 200) return
  const metadata = { name: namespace, labels: { story: namespace } }
  await side.json('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata })
  for (let left = 100; left > 0; left--) {
    if ((await side.ask({ method: 'GET', path: `${path}/serviceaccounts/default` })).status === 200) return
    await pause(200)
  }
  throw new Error(`${side.name}: the namespace ${namespace} gets no service account`)
}

/** Waits until both are alike and at rest, or stay different. */
async function settled(scenes: readonly [Scene, Scene], { kinds }: Story, step: Step): Promise<Difference[]> {
  const { leastMs = 1_500, patienceMs = 6_000 } = step
  const startedAt = performance.now()
  let before = ''
  let restedAt = startedAt
  for (;;) {
    await pause(400)
    const all = [...new Set(['pods', 'events', ...kinds])]
    const [ours, theirs] = await Promise.all([lookAt(scenes[0], all), lookAt(scenes[1], all)])
    const differences = compareLooks(ours.look, theirs.look)
    const now = performance.now()
    const versions = `${ours.versions}|${theirs.versions}`
    if (versions !== before) restedAt = now
    before = versions
    const enough = now - startedAt >= leastMs && now - restedAt >= 800
    const patience = now - restedAt >= patienceMs || now - startedAt > Math.max(longestMs, leastMs * 2)
    if ((enough && !differences.length) || (patience && now - startedAt >= leastMs)) return differences
  }
}
