import { sameMeaning } from '../base/equality.ts'
import { OwnWrites } from '../client/own-writes.ts'
import { controllerOf, controllerRef } from '../client/owner.ts'
import { ownerWatch, type Reconciler, type World } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { EndpointSlice, Service, ServiceRegistration } from '../models/kinds/index.ts'
import { parseAddress } from '../models/kinds/optiflow/service-registration.ts'
import { serviceNameLabel } from '../models/usable-endpoints.ts'
import { familyOf } from './service-pods.ts'
import type { Desired } from './slice-plan.ts'
import { managedByLabel, stillExists, writeSlices } from './slice-writer.ts'

const manager = 'service-registration.optiflow.dev'

/** Gives a registered service a Service of its name, whose endpoints are those of its addresses that are well. */
export function serviceRegistrationReconciler(): Reconciler {
  let own: OwnWrites | undefined
  return {
    name: 'service-registration',
    primary: ServiceRegistration,
    watches: [ownerWatch(Service, ServiceRegistration), ownerWatch(EndpointSlice, ServiceRegistration)],
    writes: [
      { kind: Service, part: 'owned' },
      { kind: EndpointSlice, part: 'owned' },
    ],
    async reconcile(key, world) {
      own ??= new OwnWrites(world.clock)
      const registration = world.cache.get(ServiceRegistration, key)
      if (!registration) own.forget(key)
      // What it owned goes with it.
      if (!registration || registration.metadata.deletionTimestamp) return
      if (!(await ensureService(world, registration))) return
      const metadata = {
        labels: { [serviceNameLabel]: key.name, [managedByLabel]: manager },
        ownerReferences: [controllerRef(registration)],
      }
      const desired = desiredSlices(registration)
      const exists = () => stillExists(world, ServiceRegistration, registration)
      return await writeSlices({ world, own, key, manager, metadata, desired, exists })
    },
  }
}

/** @returns false if somebody else has the name */
async function ensureService(world: World, registration: ServiceRegistration): Promise<boolean> {
  const { namespace, name, uid } = registration.metadata
  const key = { namespace: namespace!, name }
  const known = world.cache.get(Service, key)
  const { port, protocol = 'TCP' } = registration.spec
  const ports = [{ name: '', port: port!, protocol, targetPort: port! }]
  if (!known) {
    const metadata = { ...key, ownerReferences: [controllerRef(registration)] }
    await world.client.create(Service, { metadata, spec: { ports } }).catch(error => {
      if (!isAlreadyExists(error)) throw error
    })
    return true
  }
  if (controllerOf(known)?.uid !== uid) {
    const text = `service "${name}" is there already and is not of this registration; register it under another name`
    world.events.warning(registration, 'NameTaken', text)
    return false
  }
  const [first] = known.spec.ports ?? []
  if (!sameMeaning([first?.port, first?.protocol], [port, protocol]))
    await world.client.patch(Service, key, { type: 'merge', body: { spec: { ports } } })
  return true
}

/** Addresses may have ports of their own: one set of slices for each. */
export function desiredSlices({ spec, status }: ServiceRegistration): Desired[] {
  const slices = new Map<string, Desired>()
  for (const address of spec.addresses) {
    const parsed = parseAddress(address)
    if (!parsed) continue
    const { ip, port } = parsed
    const addressType = familyOf(ip)
    const id = `${addressType} ${port}`
    let slice = slices.get(id)
    if (!slice)
      slices.set(
        id,
        (slice = { addressType, ports: [{ name: '', port, protocol: spec.protocol ?? 'TCP' }], endpoints: [] }),
      )
    const ready = !spec.check || (status?.addresses?.find(a => a.address === address)?.healthy ?? false)
    slice.endpoints.push({ addresses: [ip], conditions: { ready, serving: ready, terminating: false } })
  }
  return [...slices.values()]
}
