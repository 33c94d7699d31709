import { sameMeaning } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import { isConflict, isNotFound } from '../../models/api-error.ts'
import { APIService } from '../../models/kinds/apiregistration/api-service.ts'
import type { AnyObject } from '../../models/object.ts'
import type { APIServiceSpec } from '../../models/types/apiregistration-v1.ts'
import { ensure } from '../bootstrap/ensure.ts'
import type { Core } from '../core.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'
import type { ResourceTable } from '../resources.ts'
import { versionPriority } from './priorities.ts'

const managedLabel = 'kube-aggregator.kubernetes.io/automanaged'
const settleMs = 100

/** Registered by those who serve them, as on other clusters: ours must not stand in the way of an add-on that creates its own. */
const unregistered = new Set(['apiregistration.k8s.io', 'metrics.k8s.io'])

interface Wanted {
  name: string
  /** `onstart`: built in; `true`: as long as it is defined. */
  managed: 'onstart' | 'true'
  spec: APIServiceSpec
}

/** An APIService for each version that we serve. */
export function localServices(resources: ResourceTable): Wanted[] {
  return resources.groups().flatMap(({ group, versions }) =>
    versions.flatMap(({ version, resources: served }) => {
      if (unregistered.has(group)) return []
      const custom = served.every(r => r.kind.custom)
      return {
        name: `${version}.${group}`,
        managed: custom ? 'true' : 'onstart',
        spec: {
          ...(group ? { group } : {}),
          version,
          groupPriorityMinimum: resources.kinds.groupPriority(group),
          versionPriority: versionPriority(group, version, custom),
        },
      } satisfies Wanted
    }),
  )
}

/** What is to be done so that those of ours are there as wanted; those of others stay as they are. */
export function planServices(wanted: readonly Wanted[], present: readonly APIService[]) {
  const byName = new Map(present.map(service => [service.metadata.name, service]))
  const names = new Set(wanted.map(w => w.name))
  const ours = (service: APIService) => !service.spec.service && managedLabel in (service.metadata.labels ?? {})
  return {
    create: wanted.filter(w => !byName.has(w.name)),
    change: wanted.filter(w => {
      const known = byName.get(w.name)
      return known && ours(known) && !sameMeaning(known.spec, w.spec)
    }),
    remove: present.filter(service => ours(service) && !names.has(service.metadata.name)),
  }
}

/** Keeps the APIServices of what we serve, while definitions come and go. @returns once they are there */
export async function keepLocalServices(core: Core): Promise<void> {
  const bucket = core.cache.bucket(core.resources.of(APIService))
  const settle = async () => {
    const present = bucket.list().map(kept => core.shared(kept) as unknown as APIService)
    const plan = planServices(localServices(core.resources), present)
    await Promise.all([
      ...plan.create.map(wanted => create(core, wanted)),
      ...plan.change.map(wanted => change(core, wanted)),
      ...plan.remove.map(service => remove(core, service)),
    ])
  }
  await settle()
  let planned = false
  const look = () => {
    if (planned || core.closing.aborted) return
    planned = true
    // What changes at once is looked at once.
    core.clock.schedule(settleMs, () => {
      planned = false
      if (core.closing.aborted) return
      settle().catch(error => core.log.warn({ error: explain(error) }, 'APIServices of our own not kept'))
    })
  }
  core.resources.kinds.onChange(look)
  bucket.listeners.add({
    changed: event => {
      if (!event.object) look()
    },
  })
}

function create(core: Core, { name, managed, spec }: Wanted): Promise<boolean> {
  const metadata = { name, labels: { [managedLabel]: managed } } as unknown as AnyObject['metadata']
  return ensure(core, APIService, { metadata, spec: { ...spec } })
}

async function change(core: Core, { name, spec }: Wanted): Promise<void> {
  const nextState = (present: AnyObject) => {
    present['spec'] = { ...spec }
    present.metadata.resourceVersion = ''
    return present
  }
  const options = { user: system, dryRun: false, warnings: [], subresource: '' }
  await updateObject(core, core.resources.of(APIService), undefined, name, nextState, options)
}

/** Unless somebody has changed it meanwhile. */
async function remove(core: Core, { metadata: { name, uid, resourceVersion } }: APIService): Promise<void> {
  const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
  const options = { user: system, dryRun: false, warnings: [] }
  const resource = core.resources.of(APIService)
  await deleteObject(core, resource, undefined, name, { preconditions }, options).catch(error => {
    if (!isNotFound(error) && !isConflict(error)) throw error
  })
}
