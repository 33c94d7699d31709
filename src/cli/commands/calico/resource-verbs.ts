import type { Command } from 'commander'
import { type CalicoKind, type CalicoObject, getExisting } from '../../../main/calico.ts'
import type { Outside } from '../../command.ts'
import { formatObject, formatTable, readOutputForm } from '../../output.ts'
import { type CalicoFlags, type Session, withCalico, withDatastore } from './session.ts'

interface ShowFlags extends CalicoFlags {
  output?: string
}

/** `list`, `show NAME` and `delete NAME` of one kind, the same for all of them. */
export function addResourceVerbs<S extends object>(
  group: Command,
  outside: Outside,
  kind: CalicoKind<S>,
  options: {
    /** Why it must not go. */
    refuseDelete?(session: Session, object: CalicoObject<S>): Promise<void>
  } = {},
): void {
  addList(group, outside, kind)
  withDatastore(group.command('show <name>'))
    .description(`one ${kind.kind} as it is stored`)
    .option('-o, --output <form>', 'yaml or json', 'yaml')
    .action((name: string, flags: ShowFlags) =>
      withCalico(outside, flags, async ({ datastore, remote }) => {
        const object = await getExisting(datastore, kind, name, namespaceOf(kind, remote.namespace))
        outside.terminal.out(formatObject(withKind(kind, object), flags.output === 'json' ? 'json' : 'yaml'))
      }),
    )
  withDatastore(group.command('delete <name>'))
    .description(`delete one ${kind.kind}`)
    .action((name: string, flags: CalicoFlags) =>
      withCalico(outside, flags, async session => {
        const { datastore, remote } = session
        const object = await getExisting(datastore, kind, name, namespaceOf(kind, remote.namespace))
        await options.refuseDelete?.(session, object)
        await datastore.delete(kind, object)
        outside.terminal.out(`${kind.kind} ${name} deleted\n`)
      }),
    )
}

export function addList<S extends object>(group: Command, outside: Outside, kind: CalicoKind<S>): void {
  withDatastore(group.command('list'))
    .description(`all objects of kind ${kind.kind}`)
    .option('-o, --output <form>', 'json or yaml; a table unless given')
    .action((flags: ShowFlags) =>
      withCalico(outside, flags, async ({ datastore }) => {
        const objects = await datastore.list(kind)
        const form = readOutputForm(flags.output)
        outside.terminal.out(
          form === 'json' || form === 'yaml'
            ? formatObject({ kind: `${kind.kind}List`, items: objects.map(o => withKind(kind, o)) }, form)
            : objectTable(kind, objects),
        )
      }),
    )
}

export function objectTable<S extends object>(kind: CalicoKind<S>, objects: readonly CalicoObject<S>[]): string {
  if (!objects.length) return `There is no ${kind.kind}.\n`
  const spaced = kind.scope === 'Namespaced'
  return formatTable(
    [...(spaced ? ['NAMESPACE'] : []), 'NAME', ...kind.columns.map(c => c.name)],
    objects.map(o => [
      ...(spaced ? [o.metadata.namespace ?? ''] : []),
      o.metadata.name,
      ...kind.columns.map(c => c.cell(o)),
    ]),
  )
}

export const namespaceOf = (kind: CalicoKind<any>, namespace: string) =>
  kind.scope === 'Namespaced' ? namespace : undefined

const withKind = (kind: CalicoKind<any>, object: CalicoObject) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: kind.kind,
  ...object,
})
