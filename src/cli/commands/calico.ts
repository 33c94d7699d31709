import type { CliCommand } from '../command.ts'
import { bgp } from './calico/bgp.ts'
import { calicoStatus } from './calico/calico-status.ts'
import { cleanHost } from './calico/clean-host.ts'
import { diag } from './calico/diag.ts'
import { install } from './calico/install.ts'
import { ipam } from './calico/ipam.ts'
import { ippool } from './calico/ippool.ts'
import { node } from './calico/node.ts'
import { policy } from './calico/policy.ts'
import { preflight } from './calico/preflight.ts'
import { tier } from './calico/tier.ts'
import { uninstall } from './calico/uninstall.ts'
import { upgrade } from './calico/upgrade.ts'

const verbs: CliCommand[] = [
  ...[preflight, install, upgrade, calicoStatus, ippool, ipam, node, bgp, policy, tier, diag, uninstall, cleanHost],
]

/** Set up and look after Calico: `optiflow calico …`. */
export const calico: CliCommand = {
  register(program, outside) {
    const group = program
      .command('calico')
      .description('set up and look after Calico: policy and networks between nodes')
    for (const verb of verbs) verb.register(group, outside)
  },
}
