import { createChecked, IpPool, poolModes } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { readEncapsulation } from './preflight.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  cidr: string
  blockSize?: string
  encapsulation: string
  natOutgoing: boolean
  nodeSelector: string
}

export const ippoolCreate: CliCommand = {
  register(group, outside) {
    withDatastore(group.command('create <name>'))
      .description('add a network; refused if it overlaps another')
      .requiredOption('--cidr <cidr>', '10.245.0.0/16')
      .option('--block-size <bits>', 'prefix length of what a node takes at once (26; IPv6 122)')
      .option('--encapsulation <how>', 'vxlan, vxlan-cross-subnet, ipip or none', 'vxlan')
      .option('--no-nat-outgoing', 'pods keep their own address where they leave the cluster')
      .option('--node-selector <selector>', 'only on these nodes', 'all()')
      .action((name: string, flags: Flags) =>
        withCalico(outside, flags, async ({ datastore }) => {
          const blockSize = flags.blockSize === undefined ? undefined : Number(flags.blockSize)
          if (blockSize !== undefined && !Number.isInteger(blockSize))
            throw new UsageError(`--block-size: "${flags.blockSize}" is not a whole number`)
          await createChecked(datastore, IpPool, {
            metadata: { name },
            spec: {
              cidr: flags.cidr,
              ...(blockSize === undefined ? {} : { blockSize }),
              ...poolModes(readEncapsulation(flags.encapsulation)),
              natOutgoing: flags.natOutgoing,
              nodeSelector: flags.nodeSelector,
            },
          })
          outside.terminal.out(`IPPool ${name} created\n`)
        }),
      )
  },
}
