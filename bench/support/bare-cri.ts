import { mkdirSync, writeFileSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { cniConflist } from '../../src/network/cni-config.ts'
import { Connection } from '../../src/runtime/cri/connection.ts'
import { containerConfig, sandboxConfig } from '../../src/runtime/cri/spec.ts'
import type { Mount } from '../../src/runtime/runtime.ts'
import { type ContainerdBench, openContainerdBench } from '../../src/runtime/testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../../src/runtime/testing/specs.ts'
import { inFlight } from './statistics.ts'

const never = new AbortController().signal

/** What an agent must give to every container that says nothing of itself: by whose calls ever, it is to be mounted. */
function usualMounts(folder: string): Mount[] {
  const mount = (name: string, containerPath: string, readOnly: boolean): Mount => ({
    ...{ hostPath: `${folder}/${name}`, containerPath, readOnly },
    propagation: 'private',
  })
  mkdirSync(`${folder}/token`, { recursive: true })
  for (const file of ['hosts', 'last-words', 'token/token']) writeFileSync(`${folder}/${file}`, '')
  return [
    mount('token', '/var/run/secrets/kubernetes.io/serviceaccount', true),
    mount('hosts', '/etc/hosts', false),
    mount('last-words', '/dev/termination-log', false),
  ]
}

/** The same sandbox and container by nothing but CRI calls. */
export async function openBare() {
  const bench: ContainerdBench = await openContainerdBench()
  const settings = { bridge: bench.bridge, podCidrs: ['10.219.0.0/20'], ipamFolder: `${bench.folder}/ipam` }
  writeFileSync(`${bench.folder}/net.d/10-test.conflist`, cniConflist(settings))
  const imageRef = await bench.runtime.pull(bench.image, {}, never)
  const connection = new Connection(bench.containerd.socket, systemClock)
  const mounts = usualMounts(`${bench.folder}/mounts`)
  const dns = { servers: ['127.0.0.1'], searches: [], options: [] }
  const resources = { cpuShares: 2, oomScoreAdj: 1000 }
  let count = 0
  return {
    async start(): Promise<void> {
      const name = `bare-${++count}`
      const config = sandboxConfig(podSpec(name, { namespace: 'bench', logFolder: `${bench.logFolder}/${name}`, dns }))
      const container = containerSpec(bench.image, imageRef, '', {
        ...{ command: ['/bin/sleep', '1000'], mounts, resources },
      })
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
