import { BgpConfiguration, BgpPeer } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { bgpPeerCreate } from './bgp-peer-create.ts'
import { addResourceVerbs } from './resource-verbs.ts'

export const bgp: CliCommand = {
  register(program, outside) {
    const group = program.command('bgp').description('routes between nodes and with other routers')
    const peer = group.command('peer').description('routers that nodes exchange routes with')
    addResourceVerbs(peer, outside, BgpPeer)
    bgpPeerCreate.register(peer, outside)
    addResourceVerbs(group.command('config').description('how nodes exchange routes'), outside, BgpConfiguration)
  },
}
