import { join, resolve } from 'node:path'
import { Disposal } from '../../src/base/disposal.ts'
import { type Machine, openLan } from '../support/lan.ts'
import { isReady, Parts } from '../support/parts.ts'
import { until } from '../support/processes.ts'

const tsx = resolve(import.meta.dirname, '../../node_modules/tsx/dist/esm/index.mjs')

export interface Nodes extends AsyncDisposable {
  /** On the LAN of the nodes, and no node: the suite runs there. */
  outside: Machine
  kubeconfig: string
}

/** Two nodes with real containers in network namespaces of their own, the first of them the server, and a registry of the suite's images beside them. */
export async function startNodes(programs: string): Promise<Nodes> {
  const undo = new Disposal()
  try {
    const lan = undo.use(await openLan(['n1', 'n2']))
    const { outside } = lan
    const script = join(import.meta.dirname, 'registry-main.ts')
    const registry = outside.start(process.execPath, ['--import', tsx, script, '5000', programs])
    undo.defer(() => registry.stop())
    await until('the registry', () => registry.out().includes('serving'), { timeoutMs: 120_000 })
    const [n1, n2] = ['n1', 'n2'].map(name => undo.use(new Parts(lan.machines[name]!, lan.folder))) as [Parts, Parts]
    const mirror = ['--registry-mirror', `registry.k8s.io=http://${outside.ip}:5000`]
    const place = [
      '--runtime',
      'containerd',
      '--data-dir',
      n1.dataDir,
      '--node-name',
      'n1',
      '--kubeconfig',
      n1.kubeconfig,
    ]
    await n1.start('up', [...place, '--listen', `${n1.machine.ip}:6443`, ...mirror], 'The API answers at', 120_000)
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    const joining = ['--server', `https://${n1.machine.ip}:6443`, '--token', token, '--node-name', 'n2']
    await n2.start('agent', ['--data-dir', n2.dataDir, ...joining, ...mirror], '✔ network', 120_000)
    for (const name of ['n1', 'n2'])
      await until(`node ${name} to be Ready`, async () => isReady(await n1.get('node', name)), { timeoutMs: 120_000 })
    return { outside, kubeconfig: n1.kubeconfig, [Symbol.asyncDispose]: () => undo[Symbol.asyncDispose]() }
  } catch (error) {
    await undo[Symbol.asyncDispose]()
    throw error
  }
}
