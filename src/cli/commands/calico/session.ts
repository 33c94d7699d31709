import type { Command } from 'commander'
import { type CalicoDatastore, openCalico } from '../../../main/calico.ts'
import { type OutsideWorld, systemOutside } from '../../../main/outside.ts'
import { type Outside, withConnection, withRemote } from '../../command.ts'
import type { ConnectionFlags, Remote } from '../../connection.ts'
import { UsageError } from '../../failure.ts'

/** Flags of every command that reads or writes Calico's objects. */
export interface CalicoFlags extends ConnectionFlags {
  etcdEndpoints?: string
  etcdCa?: string
  etcdCert?: string
  etcdKey?: string
}

/** What such a command works with. */
export interface Session {
  remote: Remote
  datastore: CalicoDatastore
  world: OutsideWorld
  outside: Outside
}

export function withDatastore(command: Command): Command {
  return withConnection(command)
    .option('--etcd-endpoints <urls>', 'Calico keeps its objects in this etcd, not in the API: http://10.0.0.5:2379,…')
    .option('--etcd-ca <file>', "authority of etcd's certificates (PEM)")
    .option('--etcd-cert <file>', 'our certificate for etcd (PEM)')
    .option('--etcd-key <file>', 'its key (PEM)')
}

export async function withCalico<T>(
  outside: Outside,
  flags: CalicoFlags,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const world = systemOutside()
  const etcd = await etcdOf(outside, flags)
  return withRemote(outside, flags, async remote => {
    await using opened = await openCalico(remote.client, world, etcd)
    return await work({ remote, datastore: opened.datastore, world, outside })
  })
}

/** Undefined: no etcd is named. @throws UsageError */
export async function etcdOf({ disk }: Outside, flags: CalicoFlags) {
  if (!flags.etcdEndpoints) return undefined
  const endpoints = flags.etcdEndpoints.split(',').filter(Boolean)
  if (!endpoints.length || !endpoints.every(url => /^https?:\/\/[^/\s]+:\d+\/?$/.test(url)))
    throw new UsageError(`--etcd-endpoints: "${flags.etcdEndpoints}" is not URL,…`, {
      hint: 'Such as http://10.0.0.5:2379.',
    })
  const read = async (file: string | undefined) => (file ? await disk.readText(file) : undefined)
  const [ca, cert, key] = await Promise.all([read(flags.etcdCa), read(flags.etcdCert), read(flags.etcdKey)])
  return { endpoints, ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }
}
