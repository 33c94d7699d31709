import { BgpPeer, createChecked } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface Flags extends CalicoFlags {
  peerIp: string
  asNumber: string
  node?: string
  nodeSelector?: string
}

export const bgpPeerCreate: CliCommand = {
  register(group, outside) {
    withDatastore(group.command('create <name>'))
      .description('add a router')
      .requiredOption('--peer-ip <address>', '10.0.0.1, or 10.0.0.1:1790')
      .requiredOption('--as-number <n>', 'its autonomous system')
      .option('--node <name>', 'only of this node')
      .option('--node-selector <selector>', 'only of these nodes')
      .action((name: string, { peerIp, asNumber, node, nodeSelector, ...flags }: Flags) =>
        withCalico(outside, flags, async ({ datastore }) => {
          await createChecked(datastore, BgpPeer, {
            metadata: { name },
            spec: {
              peerIP: peerIp,
              asNumber: Number(asNumber),
              ...(node ? { node } : {}),
              ...(nodeSelector ? { nodeSelector } : {}),
            },
          })
          outside.terminal.out(`BGPPeer ${name} created\n`)
        }),
      )
  },
}
