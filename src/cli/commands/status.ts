import { join } from 'node:path'
import { nodeIp } from '../../main/addresses.ts'
import { joinTokenText } from '../../main/join.ts'
import { isRunning, readRunFile } from '../../main/run-file.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export const status: CliCommand = {
  register(program, outside) {
    withSettings(program.command('status'), ['data-dir', 'kubeconfig'])
      .description('what runs, and whether it is well')
      .action(async (given: Record<string, unknown>) => {
        const { dataDir, kubeconfig } = await settingsOf(outside, given)
        const run = await readRunFile(outside.disk, dataDir)
        if (!run)
          throw new UsageError(`no cluster runs from ${dataDir}`, {
            hint: 'Start one with "optiflow up", or name its folder with --data-dir.',
          })
        const alive = await isRunning(outside.disk, run)
        const { terminal } = outside
        if (run.runtime === 'simulated')
          terminal.out(
            `${terminal.paint.yellow('SIMULATED')} pods are simulated: nothing really runs on these nodes.\n`,
          )
        terminal.out(
          `API      ${run.url}  ${alive ? `process ${run.pid}, since ${run.startedAt}` : terminal.paint.red('not running')}\n`,
        )
        if (!alive)
          throw new UsageError('the control plane is not running', {
            hint: 'Containers may go on. "optiflow up" takes over again; "optiflow down" cleans up.',
          })
        if (run.state === 'starting')
          throw new UsageError('the control plane is still starting', {
            hint: 'Ask again in a moment; "optiflow down" ends it.',
          })
        await withRemote(outside, { kubeconfig: kubeconfig ?? run.kubeconfig, context: run.context }, async remote => {
          await printHealth(outside, remote)
        })
        const [secret, ca] = await Promise.all([
          outside.disk.readText(join(dataDir, 'pki/join-token')).catch(() => undefined),
          outside.disk.readText(join(dataDir, 'pki/ca.crt')).catch(() => undefined),
        ])
        if (secret && ca) terminal.out(`\n${howToJoin(run.url, run.listen, joinTokenText(secret.trim(), ca))}\n`)
      })
  },
}

async function printHealth({ terminal }: Outside, remote: import('../connection.ts').Remote): Promise<void> {
  const ready = await remote.client.raw('GET', '/readyz?verbose')
  const failing =
    ready.body instanceof Uint8Array
      ? Buffer.from(ready.body)
          .toString()
          .split('\n')
          .filter(l => l.startsWith('[-]'))
      : []
  terminal.out(
    `Health   ${ready.status === 200 ? terminal.paint.green('ready') : terminal.paint.red(failing.join(', ') || 'not ready')}\n\n`,
  )
  const [nodes, pods, workloads] = await Promise.all([
    remote.json('GET', '/api/v1/nodes'),
    remote.json('GET', '/api/v1/pods'),
    remote.json('GET', '/apis/optiflow.dev/v1/workloads'),
  ])
  const podsOn = (name: string) =>
    pods.items.filter((p: any) => p.spec.nodeName === name && p.status?.phase === 'Running').length
  terminal.out(
    formatTable(
      ['NODE', 'STATUS', 'PODS RUNNING', 'VERSION'],
      nodes.items.map((n: any) => {
        const ok = n.status?.conditions?.find((c: any) => c.type === 'Ready')
        return [
          n.metadata.name,
          ok?.status === 'True' ? 'Ready' : `NotReady: ${ok?.message ?? 'no word from it'}`,
          String(podsOn(n.metadata.name)),
          n.status?.nodeInfo?.kubeletVersion ?? '',
        ]
      }),
    ),
  )
  if (workloads.items.length)
    terminal.out(
      `\n${formatTable(
        ['WORKLOAD', 'READY', 'URL', 'MESSAGE'],
        workloads.items.map((w: any) => [
          `${w.metadata.namespace}/${w.metadata.name}`,
          `${w.status?.readyReplicas ?? 0}/${w.spec.replicas ?? 1}`,
          w.status?.url ?? '',
          w.status?.message ?? '',
        ]),
      )}`,
    )
}

/** The line that another node needs, or what to change before one can join. */
function howToJoin(url: string, listen: string, token: string): string {
  const { hostname, port } = new URL(url)
  const everywhere = listen === '0.0.0.0' || listen === '::'
  if (!everywhere && (hostname === 'localhost' || hostname.startsWith('127.')))
    return 'Other nodes can join when the API listens on more than loopback: optiflow up --listen 0.0.0.0:6443'
  const server = everywhere ? `https://${nodeIp()}:${port}` : url
  return `Another node joins with\n  optiflow agent --server ${server} --token ${token}`
}
