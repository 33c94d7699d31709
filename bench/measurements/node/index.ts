import { systemCommands } from '../../../src/base/commands.ts'
import { systemDisk } from '../../../src/base/disk.ts'
import { demoRegistryHost, openDemoRegistry } from '../../../src/main/demo-image.ts'
import { whyNoContainers } from '../../support/machine.ts'
import type { Measurement, Row } from '../../support/measurement.ts'
import { startBenchNode } from '../../support/node-process.ts'
import { probes } from './probes.ts'
import { recovery } from './recovery.ts'
import { rest } from './rest.ts'
import { starts } from './starts.ts'
import { swarm } from './swarm.ts'

export const node: Measurement = {
  name: 'node',
  about:
    'The agent as a process of its own, its server beside it; pods are bound to the node by who creates them, so that no scheduler is ' +
    'measured. Beside it, pod by pod, the bare CRI calls on a second containerd, and Docker Swarm where dockerd is on PATH or in the folder BENCH_DOCKERD.',
  async *run(): AsyncIterable<Row> {
    const missing = whyNoContainers()
    if (missing) {
      yield { what: 'the node', value: 'not measured', note: missing }
      return
    }
    yield* probes()
    await using registry = await openDemoRegistry(systemDisk, systemCommands, 0)
    await using bench = await startBenchNode(['--registry-mirror', `${demoRegistryHost}=http://${registry.address}`])
    yield* rest(bench)
    const rates = yield* starts(bench)
    yield* recovery(bench)
    yield* swarm(rates)
  },
}
