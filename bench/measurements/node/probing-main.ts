/** `probing-main.ts PORT COUNT`: so many http probes, one a second each, for ten seconds; tells its processor time as JSON. */
import { ProbeMoments } from '../../../src/agent/probe/probe-moments.ts'
import { ProbeTally } from '../../../src/agent/probe/probe-tally.ts'
import { ContainerProber } from '../../../src/agent/probe/prober.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { systemNet } from '../../../src/base/net.ts'
import { systemRandom } from '../../../src/base/random.ts'
import type { Container, Pod } from '../../../src/models/types/core-v1.ts'
import type { Runtime } from '../../../src/runtime/runtime.ts'
import { pause } from '../../support/statistics.ts'

const [port, count] = process.argv.slice(2).map(Number)
const seconds = 10
const container: Container = {
  name: 'main',
  readinessProbe: { httpGet: { port: port!, path: '/ready' }, periodSeconds: 1 },
}
const tally = new ProbeTally()
const moments = new ProbeMoments(systemClock)
const options = { runtime: {} as Runtime, net: systemNet, clock: systemClock, random: systemRandom, tally, moments }
const tell = (_: string, output: string) => console.error(output)
const listener = { changed() {}, kill() {}, unhealthy: tell, warned: tell }
for (let i = 0; i < count!; i++) {
  const pod = { metadata: { name: `pod-${i}`, namespace: 'default', uid: String(i) } } as Pod
  const about = { pod, container, id: String(i), podIp: '127.0.0.1', before: { started: true, ready: true } }
  new ContainerProber(options, about, listener)
}
// The first second also compiles.
await pause(2_000)
const before = process.cpuUsage()
await pause(seconds * 1000)
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ seconds, processorMs: (user + system) / 1000 }))
process.exit()
