import { OptiFlowError } from '../base/errors.ts'
import { apiVersionOf, type Kind } from '../models/kind.ts'
import type { Client } from './client.ts'
import type { Reconciler, Write } from './reconciler.ts'

/** A reconciler wrote what it does not declare: the graph of who writes what would be a lie. */
export class UndeclaredWrite extends OptiFlowError {
  constructor(reconciler: string, kind: Kind<any>, part: Write['part']) {
    super(`reconciler "${reconciler}" writes ${part} of ${apiVersionOf(kind)} ${kind.kind} without declaring it`, {
      hint: `Add { kind: ${kind.kind}, part: '${part}' } to its "writes", or leave that to the reconciler that owns it.`,
    })
  }
}

/** Two reconcilers would fight over one status. */
export class TwoOwners extends OptiFlowError {
  constructor(kind: Kind<any>, one: string, other: string) {
    super(`reconcilers "${one}" and "${other}" both own the status of ${apiVersionOf(kind)} ${kind.kind}`, {
      hint: 'Let one of them write it and the other one write a fact that the first one reads.',
    })
  }
}

const sameKind = (a: Kind<any>, b: Kind<any>) => a.group === b.group && a.plural === b.plural

/** @throws TwoOwners */
export function refuseTwoOwners(reconcilers: readonly Reconciler[]): void {
  const owners: { kind: Kind<any>; name: string }[] = []
  for (const { name, writes } of reconcilers)
    for (const { kind, part } of writes) {
      if (part !== 'status' || kind === '*') continue
      const other = owners.find(o => sameKind(o.kind, kind) && o.name !== name)
      if (other) throw new TwoOwners(kind, other.name, name)
      owners.push({ kind, name })
    }
}

/** The client as one reconciler may use it: every write is checked against what it declares. @throws UndeclaredWrite */
export function declaredWritesOnly(client: Client, { name, writes }: Pick<Reconciler, 'name' | 'writes'>): Client {
  const check = (kind: Kind<any>, ...parts: Write['part'][]) => {
    const declared = writes.some(w => parts.includes(w.part) && (w.kind === '*' || sameKind(w.kind, kind)))
    if (!declared) throw new UndeclaredWrite(name, kind, parts[0]!)
  }
  const partsOf = (subresource?: string, body?: object): Write['part'][] => {
    if (subresource === 'status') return ['status', 'condition']
    const onlyMetadata =
      body && !Array.isArray(body) && Object.keys(body).every(k => /^(metadata|apiVersion|kind)$/.test(k))
    return onlyMetadata || !body ? ['metadata', 'owned'] : ['owned']
  }
  return {
    ...client,
    async create(kind, draft, options) {
      check(kind, 'owned')
      return client.create(kind, draft, options)
    },
    async update(kind, object, options) {
      check(kind, ...partsOf(options?.subresource))
      return client.update(kind, object, options)
    },
    async updateStatus(kind, object, options) {
      check(kind, 'status', 'condition')
      return client.updateStatus(kind, object, options)
    },
    async patch(kind, key, patch, options) {
      const jsonOnMetadata =
        patch.type === 'json' && patch.body.every(o => o.path.startsWith('/metadata') || o.op === 'test')
      check(kind, ...(jsonOnMetadata ? partsOf(options?.subresource) : partsOf(options?.subresource, patch.body)))
      return client.patch(kind, key, patch, options)
    },
    async delete(kind, key, options) {
      check(kind, 'owned')
      return client.delete(kind, key, options)
    },
    async post(kind, key, subresource, body, options) {
      check(kind, 'owned')
      return client.post(kind, key, subresource, body, options)
    },
  }
}
