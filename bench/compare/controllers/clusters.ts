import { spawn } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { endProcess } from '../../support/cluster.ts'
import { type Both, startBoth } from '../servers.ts'

const sources = resolve(import.meta.dirname, '../../../src/cli/main.ts')

/** What both have that would otherwise make stories long. */
const quick = [
  ...['--horizontal-pod-autoscaler-sync-period=2s', '--horizontal-pod-autoscaler-downscale-stabilization=5s'],
  ...['--horizontal-pod-autoscaler-cpu-initialization-period=1s'],
  ...['--horizontal-pod-autoscaler-initial-readiness-delay=1s', '--node-monitor-grace-period=16s'],
]

/** Both API servers, kube-controller-manager at the one and `optiflow controller` at the other. */
export async function startClusters(): Promise<Both> {
  const both = await startBoth()
  const { kubernetes } = both
  const networks = ['--cluster-cidr=10.244.0.0/16']
  const theirs = await kubernetes.startControllers([...quick, ...networks, '--allocate-node-cidrs'])
  const ours = startOurs(kubernetes.kubeconfigAt(both.ours.keys.port), kubernetes.folder, [...quick, ...networks])
  return {
    ...both,
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await theirs[Symbol.asyncDispose]()
      await both[Symbol.asyncDispose]()
    },
  }
}

function startOurs(kubeconfig: string, keys: string, flags: string[]): AsyncDisposable {
  const dataDir = join(keys, 'ours')
  mkdirSync(join(dataDir, 'pki'), { recursive: true })
  for (const name of ['ca.crt', 'ca.key']) cpSync(join(keys, name), join(dataDir, 'pki', name))
  const where = ['--kubeconfig', kubeconfig, '--data-dir', dataDir, '--log-level', 'error']
  const args = ['--import', 'tsx', sources, 'controller', ...where, ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return { [Symbol.asyncDispose]: () => endProcess(child) }
}
