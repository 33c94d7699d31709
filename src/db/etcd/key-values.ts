import type { Clock } from '../../base/clock.ts'
import { OptiFlowError } from '../../base/errors.ts'
import {
  type Compare,
  compareTarget,
  equal,
  type KeyValue,
  type RangeResponse,
  type RequestOp,
  type TxnResponse,
} from './messages.ts'
import { type EtcdConnection, EtcdRpc } from './rpc.ts'

/** A key of somebody else's in etcd. */
export interface EtcdEntry {
  key: string
  value: string
  /** mod_revision */
  revision: string
}

/** Keys that are not the store's own: of programs that keep their data in the same etcd, or another. */
export interface EtcdKeys extends AsyncDisposable {
  readonly where: string
  get(key: string): Promise<EtcdEntry | undefined>
  list(prefix: string): Promise<EtcdEntry[]>
  /** @param seen undefined: the key must not exist. @returns the new revision, undefined when somebody else was first */
  put(key: string, value: string, seen: string | undefined): Promise<string | undefined>
  /** @returns false when somebody else was first */
  delete(key: string, seen: string): Promise<boolean>
}

/** etcd did not answer, or refused. */
export class EtcdUnreachable extends OptiFlowError {}

const absent = '0'

export function openEtcdKeys(connection: EtcdConnection, clock: Clock): EtcdKeys {
  const rpc = new EtcdRpc(connection, clock)
  const where = `etcd at ${connection.endpoints.join(', ')}`
  const ask = <T>(method: string, request: object, repeatable: boolean): Promise<T> =>
    rpc.unary<T>('KV', method, request, repeatable).catch(cause => {
      throw new EtcdUnreachable(`${where} does not answer`, {
        cause,
        hint: 'Check the addresses, the certificates and whether it runs.',
      })
    })
  const range = async (key: Uint8Array, end?: Uint8Array) => {
    const { kvs } = await ask<RangeResponse>('Range', { key, ...(end ? { range_end: end } : {}) }, true)
    return kvs.map(entryOf)
  }
  const swap = async (key: string, seen: string, operation: RequestOp): Promise<string | undefined> => {
    const compare: Compare = { result: equal, target: compareTarget.mod, key: Buffer.from(key), mod_revision: seen }
    const reply = await ask<TxnResponse>('Txn', { compare: [compare], success: [operation], failure: [] }, false)
    return reply.succeeded ? reply.header.revision : undefined
  }
  return {
    where,
    get: async key => (await range(Buffer.from(key)))[0],
    list: prefix => range(Buffer.from(prefix), afterPrefix(prefix)),
    put: (key, value, seen) =>
      swap(key, seen ?? absent, { request_put: { key: Buffer.from(key), value: Buffer.from(value) } }),
    delete: async (key, seen) =>
      (await swap(key, seen, { request_delete_range: { key: Buffer.from(key) } })) !== undefined,
    async [Symbol.asyncDispose]() {
      rpc.close()
    },
  }
}

const entryOf = ({ key, value, mod_revision: revision }: KeyValue): EtcdEntry => ({
  key: key.toString(),
  value: value.toString(),
  revision,
})

/** The first key that does not begin so. Prefixes here end in ASCII. */
function afterPrefix(prefix: string): Uint8Array {
  const end = Buffer.from(prefix)
  end[end.length - 1]!++
  return end
}
