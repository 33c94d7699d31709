import { startCluster } from '../support/cluster.ts'
import { whyNoContainers } from '../support/machine.ts'
import { type Measurement, type Row, rounded } from '../support/measurement.ts'
import { processesWith, processorMs, residentMb } from '../support/process-use.ts'
import { pause } from '../support/statistics.ts'

const goalMb = 150
const idleMs = 20_000

export const memory: Measurement = {
  name: 'memory',
  about: 'Resident memory of the process `optiflow up`, 20 s after its one node became Ready, nothing running.',
  async *run(): AsyncIterable<Row> {
    const missing = whyNoContainers()
    await using simulated = await startCluster({ runtime: 'simulated' })
    await using real = missing ? undefined : await startCluster({ runtime: 'containerd' })
    await pause(idleMs - 10_000)
    const before = processorMs(simulated.pid).all
    await pause(10_000)
    const idle = `${rounded((processorMs(simulated.pid).all - before) / 100, 1)} % of a processor while idle`
    yield row('idle memory, simulated node', residentMb(simulated.pid), idle)
    if (!real) yield { what: 'idle memory, containerd node', value: 'not measured', note: missing! }
    else {
      const socket = processesWith(`${real.dataDir}/containerd/`).filter(pid => pid !== real.pid)
      const containerd = socket.reduce((sum, pid) => sum + residentMb(pid), 0)
      yield row('idle memory, containerd node', residentMb(real.pid), `its containerd: ${rounded(containerd)} MB more`)
    }
  },
}

const row = (what: string, mb: number, note: string): Row => ({
  what,
  value: `${rounded(mb)} MB`,
  goal: `≤ ${goalMb} MB`,
  reached: mb <= goalMb,
  note,
})
