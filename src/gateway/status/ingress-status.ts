import { sameMeaning } from '../../base/equality.ts'
import type { Cache, Reconciler } from '../../client/reconciler.ts'
import { isNotFound } from '../../models/api-error.ts'
import { Ingress, IngressClass, Secret, Service } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import type { AskedPorts } from '../asked-ports.ts'
import { annotatedPolicy } from '../plan/annotations.ts'
import type { Engine } from '../plan/engine.ts'
import { isServed } from '../plan/ingress-plan.ts'
import { policyOf } from '../plan/policy-of.ts'

/**
 * Tells in the status of each Ingress that the gateway serves where it is reached, and at which ports it is not; by events too, and
 * what its annotations say wrongly. @param addresses of the gateway's machine. @param asked ports, and those that it does not give the gateway
 */
export function ingressStatusReconciler(addresses: readonly string[], engine: Engine, asked: AskedPorts): Reconciler {
  return {
    name: 'ingress-status',
    primary: Ingress,
    watches: [
      { kind: IngressClass, keys: (_class, cache) => cache.list(Ingress).map(keyOf) },
      // Passwords that an annotation names may come later, or go.
      {
        kind: Secret,
        keys: ({ type, metadata }: Secret, cache) =>
          type === 'kubernetes.io/basic-auth' ? cache.list(Ingress, metadata.namespace).map(keyOf) : [],
      },
    ],
    sources: [{ subscribe: asked.subscribe, keys: cache => cache.list(Ingress).map(keyOf) }],
    writes: [{ kind: Ingress, part: 'status' }],
    async reconcile(key, { cache, client, events }) {
      const ingress = cache.get(Ingress, key)
      if (!ingress || ingress.metadata.deletionTimestamp) return
      if (!isServed(ingress, cache.list(IngressClass))) return
      for (const problem of annotationProblems(ingress, cache, engine))
        events.warning(ingress, 'InvalidAnnotation', problem)
      const held = ports.map(port => ({ port, holder: asked.holder(port) })).filter(({ holder }) => holder)
      const errors = held.map(({ port }) => ({ port, protocol: 'TCP' as const, error: portUnavailable }))
      const loadBalancer = { ingress: addresses.map(ip => ({ ip, ...(errors.length ? { ports: errors } : {}) })) }
      if (sameMeaning(ingress.status?.loadBalancer, loadBalancer)) return
      try {
        await client.updateStatus(Ingress, { ...structuredClone(ingress), status: { loadBalancer } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      for (const { port, holder } of held)
        events.warning(
          ingress,
          portUnavailable,
          `port ${port} of ${addresses.join(', ')} belongs to ${holder}: ${cure}`,
        )
    },
  }
}

/** Where Ingresses are served. */
const ports = [80, 443]
const portUnavailable = 'PortUnavailable'
const cure = 'end what has it, or serve the gateway elsewhere (optiflow up --gateway)'

function annotationProblems({ metadata }: Ingress, cache: Cache, engine: Engine): string[] {
  const { words, problems } = annotatedPolicy(metadata.annotations)
  const namespace = metadata.namespace!
  const { problem } = words
    ? policyOf(
        {
          service: (namespace, name) => cache.get(Service, { namespace, name }),
          secret: (namespace, name) => cache.get(Secret, { namespace, name }),
          slices: () => [],
          engine,
        },
        { id: '', namespace, words },
      )
    : {}
  return problem ? [...problems, `not in force, and what guards refuses all: ${problem}`] : problems
}
