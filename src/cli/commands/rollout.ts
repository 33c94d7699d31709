import type { Command } from 'commander'
import type { Client } from '../../client/index.ts'
import { Workload } from '../../models/kinds/index.ts'
import type { ObjectKey } from '../../models/object.ts'
import { abortAnnotation, promoteAnnotation, tryAnnotation } from '../../models/workload-annotations.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'

interface PromoteFlags extends ConnectionFlags {
  all?: boolean
}

export const rollout: CliCommand = {
  register(program, outside) {
    const command = program.command('rollout').description("a Workload's update: how far it is, and whether it goes on")
    verb(command, outside, 'status', 'how far it is', ({ status }) => ({
      said: status?.message ?? 'not looked at yet',
    }))
    withConnection(command.command('promote <workload>'))
      .description('let a canary go on to its next step')
      .option('--all', 'skip the steps that are left: all pods are replaced')
      .action((name: string, flags: PromoteFlags) => change(outside, name, flags, w => promotion(w, flags.all)))
    verb(command, outside, 'abort', 'give the update up: what worked before runs again', abortion)
    verb(command, outside, 'retry', 'try again what was given up, or has failed', anotherTry)
  },
}

/** What comes of one look at a Workload. */
interface Change {
  annotations?: Record<string, string>
  said: string
}

type Decide = (workload: Workload) => Change

function verb(command: Command, outside: Outside, name: string, description: string, decide: Decide): void {
  withConnection(command.command(`${name} <workload>`))
    .description(description)
    .action((workload: string, flags: ConnectionFlags) => change(outside, workload, flags, decide))
}

async function change(outside: Outside, name: string, flags: ConnectionFlags, decide: Decide): Promise<void> {
  await withRemote(outside, flags, async ({ client, namespace }) => {
    const key = { namespace, name: nameOf(name) }
    const { annotations, said } = decide(await client.get(Workload, key))
    if (annotations) await annotate(client, key, annotations)
    outside.terminal.out(`workload.optiflow.dev/${key.name} ${said}\n`)
  })
}

async function annotate(client: Client, key: ObjectKey, annotations: Record<string, string>): Promise<void> {
  await client.patch(
    Workload,
    key,
    { type: 'merge', body: { metadata: { annotations } } },
    { fieldManager: 'optiflow' },
  )
}

/** `shop`, `workload/shop`, `wl/shop` */
function nameOf(text: string): string {
  const [kind, name] = text.includes('/') ? text.split('/') : ['workload', text]
  if (['workload', 'workloads', 'wl', 'workload.optiflow.dev'].includes(kind!) && name) return name
  throw new UsageError(`"${text}" is no Workload`, { hint: 'For Deployments there is "kubectl rollout".' })
}

function promotion({ metadata, spec, status }: Workload, all = false): Change {
  const { rollout } = status ?? {}
  const steps = spec.update?.canary?.steps.length ?? 0
  if (!rollout || rollout.step > steps)
    throw new UsageError(`no canary of ${metadata.name} waits: ${status?.message ?? 'it was not looked at yet'}`)
  const { revision, step } = rollout
  const said = all || step === steps ? 'promoted: all pods are replaced' : `promoted to step ${step + 1} of ${steps}`
  return { annotations: { [promoteAnnotation]: all ? revision : `${revision}/${step}` }, said }
}

function abortion({ metadata, status }: Workload): Change {
  const revision = status?.rollout?.revision
  if (!revision)
    throw new UsageError(`no update of ${metadata.name} is under way that could be aborted: ${status?.message ?? ''}`, {
      hint: 'To go back to an earlier form, apply that.',
    })
  return { annotations: { [abortAnnotation]: revision }, said: 'aborted: what worked before runs again' }
}

function anotherTry({ metadata, status }: Workload): Change {
  const failed = status?.conditions?.some(c => c.type === 'Failed' && c.status === 'True')
  if (!status?.failedRevision && !failed)
    throw new UsageError(`nothing of ${metadata.name} was given up: ${status?.message ?? ''}`)
  const tries = Number(metadata.annotations?.[tryAnnotation] ?? 0) + 1
  return { annotations: { [tryAnnotation]: String(tries) }, said: 'is tried again' }
}
