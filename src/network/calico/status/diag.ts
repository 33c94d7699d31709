import type { Commands } from '../../../base/commands.ts'
import { explain } from '../../../base/errors.ts'
import type { Client } from '../../../client/index.ts'
import { Node, Pod } from '../../../models/kinds/index.ts'
import type { CalicoDatastore } from '../datastore/datastore.ts'
import type { CalicoKind } from '../kinds/calico-kind.ts'
import * as kinds from '../kinds/index.ts'
import { calicoStatus } from './status.ts'

/** One file of the archive. */
export interface DiagFile {
  path: string
  data: string
}

const all = [
  kinds.IpPool,
  kinds.IpamBlock,
  kinds.IpamHandle,
  kinds.BlockAffinity,
  kinds.FelixConfiguration,
  kinds.ClusterInformation,
  kinds.BgpConfiguration,
  kinds.BgpPeer,
  kinds.Tier,
  kinds.GlobalNetworkPolicy,
  kinds.CalicoNetworkPolicy,
  kinds.GlobalNetworkSet,
  kinds.CalicoNetworkSet,
] as CalicoKind<any>[]

type MachineFile = [file: string, program: string, args: string[]]

const machine: MachineFile[] = [
  ['links', 'ip', ['-d', 'link']],
  ['addresses', 'ip', ['addr']],
  ['routes', 'ip', ['route', 'show', 'table', 'all']],
  ['neighbours', 'ip', ['neigh']],
  ['fdb', 'bridge', ['fdb']],
  ['policy-routing', 'ip', ['rule']],
  // Felix takes either, whatever the machine's own iptables is.
  ...['iptables', 'ip6tables'].flatMap(name =>
    [`${name}-nft`, `${name}-legacy`].map((kind): MachineFile => [kind, `${kind}-save`, []]),
  ),
  ['nftables', 'nft', ['list', 'ruleset']],
  ['ipsets', 'ipset', ['list']],
]
const logLines = 1000

/** All that somebody who helps would ask for. What cannot be had is said in its place. No Secret is read. */
export async function collectDiag(client: Client, datastore: CalicoDatastore, commands: Commands): Promise<DiagFile[]> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  const file = async (path: string, work: () => Promise<string>): Promise<DiagFile> => ({
    path,
    data: await work().catch(error => `not to be had: ${explain(error)}\n`),
  })
  const pods = await client.list(Pod, {
    labelSelector: 'k8s-app in (calico-node,calico-kube-controllers,calico-typha)',
  })
  const logOf = async (namespace: string, name: string) => {
    const reply = await client.raw('GET', `/api/v1/namespaces/${namespace}/pods/${name}/log?tailLines=${logLines}`)
    return Buffer.from(reply.body as Uint8Array).toString()
  }
  return Promise.all([
    file('status.json', async () => json(await calicoStatus(client, datastore))),
    file('nodes.json', async () => json((await client.list(Node)).items)),
    file('pods.json', async () => json(pods.items)),
    ...all.map(kind => file(`calico/${kind.plural}.json`, async () => json(await datastore.list(kind)))),
    ...pods.items.map(({ metadata }) =>
      file(`logs/${metadata.name}.log`, () => logOf(metadata.namespace!, metadata.name)),
    ),
    ...machine.map(([name, program, args]) =>
      file(`machine/${name}.txt`, async () => (await commands.run(program, args, { allowFailure: true })).stdout),
    ),
  ])
}
