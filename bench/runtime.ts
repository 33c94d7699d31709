/**
 * Pods per second through the Runtime interface, beside a loop of the same CRI calls on the bare connection, turn about
 * in one run so that both see the same machine. Needs root and Debian's containerd.
 *
 *   npx tsx bench/runtime.ts [pods per round, default 24] [rounds, default 3]
 */
import { systemClock } from '../src/base/clock.ts'
import { Connection } from '../src/runtime/cri/connection.ts'
import { containerConfig, sandboxConfig } from '../src/runtime/cri/spec.ts'
import type { ContainerSpec, SandboxSpec } from '../src/runtime/runtime.ts'
import { openContainerdBench } from '../src/runtime/testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../src/runtime/testing/specs.ts'

const pods = Number(process.argv[2] ?? 24)
const rounds = Number(process.argv[3] ?? 3)
const never = new AbortController().signal
const keepAlive = setInterval(() => {}, 1_000)

await using bench = await openContainerdBench()
const { runtime } = bench
const imageRef = await runtime.pull(bench.image, {}, never)
const raw = new Connection(bench.containerd.socket, systemClock)
let count = 0

function specs(): { pod: SandboxSpec; container: ContainerSpec } {
  const name = `bench-${++count}`
  return {
    pod: podSpec(name, { namespace: 'bench', logFolder: `${bench.logFolder}/${name}` }),
    container: containerSpec(bench.image, imageRef, '', { command: ['sleep', '1000'] }),
  }
}

async function byRuntime(): Promise<void> {
  const { pod, container } = specs()
  await runtime.start(await runtime.runSandbox(pod, never), container)
}

async function byRawCalls(): Promise<void> {
  const { pod, container } = specs()
  const config = sandboxConfig(pod)
  const { pod_sandbox_id } = await raw.runtime<{ pod_sandbox_id: string }>('RunPodSandbox', { config })
  const { container_id } = await raw.runtime<{ container_id: string }>('CreateContainer', {
    pod_sandbox_id,
    config: containerConfig(container, config),
    sandbox_config: config,
  })
  await raw.runtime('StartContainer', { container_id })
}

/** Runs `one` `total` times with so many in flight. */
async function inFlight(width: number, total: number, one: () => Promise<void>): Promise<void> {
  let left = total
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await one()
    }),
  )
}

async function clear(): Promise<void> {
  const ids = (await runtime.observe()).flatMap(pod => pod.sandboxes.map(s => s.id))
  await inFlight(8, ids.length, () => runtime.remove(ids.pop()!))
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!

// The first pods also load libraries and make the bridge.
await inFlight(2, 4, byRuntime)
await inFlight(2, 4, byRawCalls)
await clear()

// Pod by pod turn about, so that whatever else the machine does meets both alike; a path's rate follows from its mean pod.
console.log(`${2 * pods * rounds} pods at each width, one by the Runtime, one by raw calls, turn about`)
console.log('in flight   Runtime pods/s (median pod)   raw CRI calls (median pod)   share')
for (const width of [1, 8, 32]) {
  const each = { runtime: [] as number[], raw: [] as number[] }
  let turn = 0
  for (let round = 0; round < rounds; round++) {
    await inFlight(width, 2 * pods, async () => {
      const who = turn++ % 2 ? 'raw' : 'runtime'
      const began = performance.now()
      await (who === 'raw' ? byRawCalls() : byRuntime())
      each[who].push(performance.now() - began)
    })
    await clear()
  }
  const rate = (times: number[]) => (width * 1000 * times.length) / times.reduce((sum, ms) => sum + ms, 0)
  const column = (times: number[]) => `${rate(times).toFixed(1)} (${median(times).toFixed(0)} ms)`
  const share = (100 * rate(each.runtime)) / rate(each.raw)
  console.log(
    `${String(width).padStart(9)}   ${column(each.runtime).padEnd(27)}   ${column(each.raw).padEnd(26)}   ${share.toFixed(0)} %`,
  )
}
await inFlight(8, pods, byRuntime)
const looks: number[] = []
for (let i = 0; i < 50; i++) {
  const began = performance.now()
  await runtime.observe()
  looks.push(performance.now() - began)
}
console.log(`observe() of ${pods} pods: ${looks[0]!.toFixed(1)} ms the first time, then ${median(looks).toFixed(1)} ms`)
await clear()
raw[Symbol.dispose]()
clearInterval(keepAlive)
