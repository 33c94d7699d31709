import { join } from 'node:path'
import { validityOf } from '../../base/certificates.ts'
import { sleep, timeText } from '../../base/clock.ts'
import { replaceAuthority } from '../../main/kubeconfig.ts'
import { authorityBeforeRenewal, renewAuthorities } from '../../main/pki.ts'
import { isRunning, readKubeconfigNote, readParts, runningCluster } from '../../main/run-file.ts'
import type { CliCommand, Outside } from '../command.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

/** The cluster's authorities: `optiflow ca …`. */
export const ca: CliCommand = {
  register(program, outside) {
    const group = program
      .command('ca')
      .description("look after the cluster's authority, which signs all its certificates")
    withSettings(group.command('renew'), ['data-dir'])
      .description('sign the authorities again with their own keys, for ten years: all that they signed stays good')
      .action((given: Record<string, unknown>) => renew(outside, given))
  },
}

async function renew(outside: Outside, given: Record<string, unknown>): Promise<void> {
  const { disk, clock, terminal } = outside
  const { dataDir } = await settingsOf(outside, given)
  const renewed = await renewAuthorities({ folder: join(dataDir, 'pki'), disk, clock })
  for (const { path, cert } of renewed) terminal.out(`${path} holds until ${timeText(validityOf(cert).untilMs)}\n`)
  const note = await readKubeconfigNote(disk, dataDir)
  const [{ cert }] = renewed as [(typeof renewed)[number]]
  if (note && (await replaceAuthority(disk, note.kubeconfig, note.context, cert)))
    terminal.out(`${note.kubeconfig} has it, context ${note.context}\n`)
  const pid = await serverPid(outside, dataDir)
  terminal.out(
    [
      pid === undefined
        ? 'The server has it from its next start on.'
        : (await isTaken(outside, join(dataDir, 'pki')))
          ? `The server that runs, process ${pid}, has taken it over.`
          : `The server that runs, process ${pid}, goes on with the old one: see its log, or start it again (SIGTERM leaves containers running).`,
      'Nodes take it from the server within an hour of that, and pods by the ConfigMap kube-root-ca.crt.',
      'Copies of the kubeconfig elsewhere need it before the old one ends.\n',
    ].join('\n'),
  )
}

/** A server that runs looks at once, where changes of a folder are told to it. */
const takenWithinMs = 10_000
const lookMs = 100

async function isTaken({ disk, clock, signal }: Outside, folder: string): Promise<boolean> {
  for (let leftMs = takenWithinMs; leftMs > 0; leftMs -= lookMs) {
    if (!(await authorityBeforeRenewal(disk, folder))) return true
    await sleep(clock, lookMs, signal)
  }
  return false
}

async function serverPid({ disk }: Outside, dataDir: string): Promise<number | undefined> {
  const cluster = await runningCluster(disk, dataDir)
  if (cluster) return cluster.pid
  for (const one of await readParts(disk, dataDir))
    if (one.part === 'server' && (await isRunning(disk, one))) return one.pid
  return undefined
}
