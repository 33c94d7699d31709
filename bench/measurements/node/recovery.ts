import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Row, rounded } from '../../support/measurement.ts'
import type { BenchNode } from '../../support/node-process.ts'
import { median } from '../../support/statistics.ts'
import { openNodePods } from './node-pods.ts'

const kills = 5

/** From the moment containerd is killed until another answers and a pod created at that moment is Ready. */
export async function* recovery({ server, dataDir }: BenchNode): AsyncIterable<Row> {
  using pods = await openNodePods(server)
  const usual: number[] = []
  const after: number[] = []
  const timed = async (name: string) => {
    const began = performance.now()
    await pods.start(name)
    return performance.now() - began
  }
  for (let i = 0; i < kills; i++) {
    usual.push(await timed(`before-${i}`))
    process.kill(containerdOf(dataDir), 'SIGKILL')
    after.push(await timed(`after-${i}`))
  }
  await pods.clear()
  const more = median(after) - median(usual)
  yield {
    what: 'create to Ready, containerd just killed',
    value: `${rounded(median(after))} ms (+ ${rounded(more)} ms; worst ${rounded(Math.max(...after))} ms)`,
    note: `${kills} times; containerd is started again by the agent, the pods that ran go on`,
  }
}

/** The node's own, by the configuration it was started with. */
function containerdOf(dataDir: string): number {
  const config = join(dataDir, 'containerd/config.toml')
  const pid = readdirSync('/proc').find(name => {
    if (!/^\d+$/.test(name)) return false
    const words = read(`/proc/${name}/cmdline`).split('\0')
    return words[0]?.endsWith('containerd') && words.includes(config)
  })
  if (!pid) throw new Error(`no containerd runs with ${config}`)
  return Number(pid)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
