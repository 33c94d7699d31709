import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import type { Kind } from '../../models/kind.ts'
import { FlowSchema, PriorityLevelConfiguration } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type * as flowcontrol from '../../models/types/flowcontrol-v1.ts'
import { ensure } from '../bootstrap/ensure.ts'
import type { Core } from '../core.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'
import { defaultFlows, defaultLevels } from './default-configuration.ts'

const autoUpdate = 'apf.kubernetes.io/autoupdate-spec'
const settleMs = 100

/**
 * Makes the default levels and flows, and keeps them: the mandatory ones as they are, the others as long as their
 * annotation says so. Also tells each schema whether its level exists.
 * @returns once they are there; goes on until the server closes
 */
export async function keepFlowConfiguration(core: Core): Promise<void> {
  await keepOnce(core)
  let planned = false
  const changed = () => {
    if (planned || core.closing.aborted) return
    planned = true
    // What changes at once is looked at once.
    core.clock.schedule(settleMs, () => {
      planned = false
      if (!core.closing.aborted)
        keepOnce(core).catch(error => core.log.warn({ error: explain(error) }, 'flow control configuration not kept'))
    })
  }
  for (const kind of kinds) core.cache.bucket(core.resources.of(kind)).listeners.add({ changed })
}

const kinds = [FlowSchema, PriorityLevelConfiguration] as Kind<any>[]

async function keepOnce(core: Core): Promise<void> {
  await Promise.all(defaultLevels.map(level => keepDefault(core, PriorityLevelConfiguration, level)))
  await Promise.all(defaultFlows.map(flow => keepDefault(core, FlowSchema, flow)))
  for (const kept of core.cache.bucket(core.resources.of(FlowSchema)).list())
    await tellDangling(core, core.shared(kept) as unknown as flowcontrol.FlowSchema)
}

async function keepDefault(
  core: Core,
  kind: Kind<any>,
  { name, mandatory, spec }: { name: string; mandatory?: boolean; spec: object },
): Promise<void> {
  const resource = core.resources.of(kind)
  const kept = core.cache.get(resource, undefined, name)
  if (!kept) {
    const metadata = { name, annotations: { [autoUpdate]: 'true' } } as unknown as AnyObject['metadata']
    await ensure(core, kind, { metadata, spec: structuredClone(spec) }, 'api-priority-and-fairness-config-producer-v1')
    return
  }
  const present = core.shared(kept)
  if (!mandatory && present.metadata.annotations?.[autoUpdate] !== 'true') return
  // How much is set aside for the exempt is the administrator's to say.
  if (name === 'exempt' && kind === (PriorityLevelConfiguration as Kind<any>)) return
  if (sameMeaning(present['spec'], spec)) return
  await change(core, kind, name, '', next => {
    next['spec'] = structuredClone(spec)
  })
}

async function tellDangling(core: Core, schema: flowcontrol.FlowSchema): Promise<void> {
  const { name } = schema.spec.priorityLevelConfiguration
  const found = core.cache.get(core.resources.of(PriorityLevelConfiguration), undefined, name) !== undefined
  const wanted = {
    type: 'Dangling',
    status: found ? 'False' : 'True',
    reason: found ? 'Found' : 'NotFound',
    message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)} ${found ? 'and it exists' : 'but there is no such object'}`,
  }
  const known = schema.status?.conditions?.find(condition => condition.type === wanted.type)
  if (known && known.status === wanted.status && known.message === wanted.message) return
  const lastTransitionTime =
    known?.status === wanted.status && known.lastTransitionTime ? known.lastTransitionTime : timestamp(core.clock)
  await change(core, FlowSchema, schema.metadata.name, 'status', next => {
    const others = (next['status']?.conditions ?? []).filter((c: { type?: string }) => c.type !== wanted.type)
    next['status'] = { ...next['status'], conditions: [...others, { ...wanted, lastTransitionTime }] }
  })
}

async function change(
  core: Core,
  kind: Kind<any>,
  name: string,
  subresource: string,
  edit: (next: AnyObject) => void,
): Promise<void> {
  const nextState = (present: AnyObject) => {
    edit(present)
    present.metadata.resourceVersion = ''
    return present
  }
  const options = { user: system, dryRun: false, warnings: [], subresource }
  await updateObject(core, core.resources.of(kind), undefined, name, nextState, options)
}
