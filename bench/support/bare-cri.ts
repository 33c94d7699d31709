import { writeFileSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { cniConflist } from '../../src/network/cni-config.ts'
import { Connection } from '../../src/runtime/cri/connection.ts'
import { containerConfig, sandboxConfig } from '../../src/runtime/cri/spec.ts'
import { type ContainerdBench, openContainerdBench } from '../../src/runtime/testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../../src/runtime/testing/specs.ts'
import { inFlight } from './statistics.ts'

const never = new AbortController().signal

/** The same sandbox and container by nothing but CRI calls. */
export async function openBare() {
  const bench: ContainerdBench = await openContainerdBench()
  const settings = { bridge: bench.bridge, podCidrs: ['10.219.0.0/20'], ipamFolder: `${bench.folder}/ipam` }
  writeFileSync(`${bench.folder}/net.d/10-test.conflist`, cniConflist(settings))
  const imageRef = await bench.runtime.pull(bench.image, {}, never)
  const connection = new Connection(bench.containerd.socket, systemClock)
  let count = 0
  return {
    async start(): Promise<void> {
      const name = `bare-${++count}`
      const config = sandboxConfig(podSpec(name, { namespace: 'bench', logFolder: `${bench.logFolder}/${name}` }))
      const container = containerSpec(bench.image, imageRef, '', { command: ['/bin/sleep', '1000'] })
      const { pod_sandbox_id } = await connection.runtime<{ pod_sandbox_id: string }>('RunPodSandbox', { config })
      const { container_id } = await connection.runtime<{ container_id: string }>('CreateContainer', {
        pod_sandbox_id,
        config: containerConfig(container, config),
        sandbox_config: config,
      })
      await connection.runtime('StartContainer', { container_id })
    },
    async clear(): Promise<void> {
      const ids = (await bench.runtime.observe()).flatMap(pod => pod.sandboxes.map(s => s.id))
      await inFlight(8, ids.length, () => bench.runtime.remove(ids.pop()!))
    },
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]()
      await bench[Symbol.asyncDispose]()
    },
  }
}
