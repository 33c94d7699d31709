import { join, resolve } from 'node:path'
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
  await using undo = new AsyncDisposableStack()
  const lan = undo.use(await openLan(['n1', 'n2']))
  const registry = lan.outside.start(process.execPath, [
    '--import',
    tsx,
    join(import.meta.dirname, 'registry-main.ts'),
    '5000',
    programs,
  ])
  undo.defer(async () => void (await registry.stop()))
  await until('the registry', () => registry.out().includes('serving'), { timeoutMs: 120_000 })
  const [n1, n2] = ['n1', 'n2'].map(name => undo.use(new Parts(lan.machines[name]!, lan.folder))) as [Parts, Parts]
  const mirror = ['--registry-mirror', `registry.k8s.io=http://${lan.outside.ip}:5000`]
  const server = [
    '--runtime',
    'containerd',
    '--data-dir',
    n1.dataDir,
    '--listen',
    `${n1.machine.ip}:6443`,
    '--node-name',
    'n1',
  ]
  await n1.start('up', [...server, '--kubeconfig', n1.kubeconfig, ...mirror], 'The API answers at', 120_000)
  const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
  const joining = ['--server', `https://${n1.machine.ip}:6443`, '--token', token, '--node-name', 'n2']
  await n2.start('agent', ['--data-dir', n2.dataDir, ...joining, ...mirror], '✔ network', 120_000)
  for (const name of ['n1', 'n2'])
    await until(`node ${name} to be Ready`, async () => isReady(await n1.get('node', name)), { timeoutMs: 120_000 })
  const all = undo.move()
  return { outside: lan.outside, kubeconfig: n1.kubeconfig, [Symbol.asyncDispose]: () => all.disposeAsync() }
}
