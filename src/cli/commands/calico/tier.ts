import { builtInTiers, CalicoInvalid, createChecked, GlobalNetworkPolicy, Tier } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { addResourceVerbs } from './resource-verbs.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  order: string
  defaultAction: string
}

export const tier: CliCommand = {
  register(program, outside) {
    const group = program.command('tier').description('layers of policies')
    addResourceVerbs(group, outside, Tier, {
      async refuseDelete({ datastore }, { metadata: { name } }) {
        if (builtInTiers.includes(name)) throw new CalicoInvalid(Tier, name, ['Calico itself needs it'])
        const within = (await datastore.list(GlobalNetworkPolicy)).filter(p => p.spec.tier === name)
        if (within.length)
          throw new CalicoInvalid(
            Tier,
            name,
            [`${within.length} policies are in it, such as ${within[0]!.metadata.name}`],
            'Delete them first.',
          )
      },
    })
    withDatastore(group.command('create <name>'))
      .description('add a tier')
      .requiredOption('--order <n>', 'lower ones are asked first; the tier default has 1000000')
      .option('--default-action <what>', 'Deny or Pass: for what its policies leave open', 'Deny')
      .action((name: string, { order, defaultAction, ...flags }: Flags) =>
        withCalico(outside, flags, async ({ datastore }) => {
          if (!Number.isFinite(Number(order)) || order.trim() === '')
            throw new CalicoInvalid(Tier, name, [`spec.order: "${order}" is no number`])
          if (defaultAction !== 'Deny' && defaultAction !== 'Pass')
            throw new CalicoInvalid(Tier, name, [`spec.defaultAction: "${defaultAction}" is not one of Deny, Pass`])
          await createChecked(datastore, Tier, { metadata: { name }, spec: { order: Number(order), defaultAction } })
          outside.terminal.out(`Tier ${name} created\n`)
        }),
      )
  },
}
