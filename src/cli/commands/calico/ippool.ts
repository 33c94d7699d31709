import { type CalicoDatastore, CalicoInvalid, getExisting, IpamBlock, IpPool, poolInUse } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { ippoolCreate } from './ippool-create.ts'
import { addResourceVerbs } from './resource-verbs.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

export const ippool: CliCommand = {
  register(program, outside) {
    const group = program.command('ippool').description('networks that pods get their addresses from')
    addResourceVerbs(group, outside, IpPool, {
      async refuseDelete({ datastore }, pool) {
        const reason = poolInUse(pool, await datastore.list(IpamBlock))
        if (!reason) return
        const { name } = pool.metadata
        throw new CalicoInvalid(
          IpPool,
          name,
          [reason],
          `Disable it (optiflow calico ippool disable ${name}), make its pods anew elsewhere, then delete it.`,
        )
      },
    })
    ippoolCreate.register(group, outside)
    for (const [verb, disabled, what] of [
      ['disable', true, 'give out no more addresses of a pool; those in use stay'],
      ['enable', false, 'give out addresses of a pool again'],
    ] as const)
      withDatastore(group.command(`${verb} <name>`))
        .description(what)
        .action((name: string, flags: CalicoFlags) =>
          withCalico(outside, flags, async ({ datastore }) => {
            await setDisabled(datastore, name, disabled)
            outside.terminal.out(`IPPool ${name} ${verb}d\n`)
          }),
        )
  },
}

async function setDisabled(datastore: CalicoDatastore, name: string, disabled: boolean): Promise<void> {
  const pool = await getExisting(datastore, IpPool, name)
  await datastore.update(IpPool, { ...pool, spec: { ...pool.spec, disabled } })
}
