import type { Client } from '../../client/index.ts'

/** The process of controllers is dead: no request of it reaches the server any more. */
export class Dead extends Error {}

/** Of one process. */
export interface Life {
  dead: boolean
  /** After each write that the server has accepted, before the reply is read. */
  wrote(): void
}

type Call = (...args: any[]) => Promise<any>

/** A client that dies with its process, and tells what it writes; Events are no writes that anything depends on. */
export function mortal(client: Client, life: Life): Client {
  const alive = () => {
    if (life.dead) throw new Dead('this process is dead')
  }
  const call = (act: Call, writes: (...args: any[]) => boolean): any => {
    return async (...args: any[]) => {
      alive()
      const result = await act(...args)
      if (writes(...args)) life.wrote()
      alive()
      return result
    }
  }
  const read = (act: Call) => call(act, () => false)
  const write = (act: Call) => call(act, kind => kind.plural !== 'events')
  return {
    watch: client.watch,
    under: fence => mortal(client.under(fence), life),
    get: read(client.get),
    list: read(client.list),
    create: write(client.create),
    update: write(client.update),
    updateStatus: write(client.updateStatus),
    patch: write(client.patch),
    delete: write(client.delete),
    post: write(client.post),
    raw: call(client.raw, method => method !== 'GET'),
  }
}
