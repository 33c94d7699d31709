import { Pod, PodReportGroup } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { PodCondition, PodStatus } from '../../models/types/core-v1.ts'
import type { PodReport } from '../../models/types/optiflow-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import type { ComputedVerbs, ResourceCall } from '../core.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { type TrackOwners, trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { fieldManager, isDryRun } from '../verbs/write-options.ts'
import { createGroup, oneOfGroup } from './of-group.ts'

const toReport = { verb: 'patch', subresource: 'status' }
const toDelete = { verb: 'delete', subresource: '' }

/**
 * POST podreportgroups: what as many patches of statuses, and deletions after them, would do, each with its own right,
 * admission and conflict, and to watchers the same events.
 */
export function podReportGroupHandler(authorizer: AuthorizerChain): [string, ComputedVerbs] {
  const create = createGroup<PodReport>(PodReportGroup, 'written', call => {
    const dryRun = isDryRun(call)
    const track = trackPlainWrite(call.core, Pod, fieldManager(call), 'status')
    return pod => {
      const rights = pod.delete ? [toReport, toDelete] : [toReport]
      return oneOfGroup(call, authorizer, pod, rights, () => report(call, pod, track, dryRun))
    }
  })
  return [`${PodReportGroup.group}/${PodReportGroup.plural}`, { create }]
}

async function report(
  { core, user, warnings }: ResourceCall,
  said: PodReport,
  track: TrackOwners,
  dryRun: boolean,
): Promise<void> {
  const { namespace, name, uid } = said
  const resource = core.resources.of(Pod)
  const options = { user, dryRun, warnings }
  await updateObject(core, resource, namespace!, name!, pod => told(pod, said), {
    ...options,
    subresource: 'status',
    track,
    onlyReads: true,
    // The group was checked as a whole.
    sound: true,
  })
  if (said.delete) await deleteObject(core, resource, namespace!, name!, uid ? { preconditions: { uid } } : {}, options)
}

/** The pod with what is said of it. What admission may change is its own, the rest shared with the present state. */
function told({ metadata, ...pod }: AnyObject, { uid, condition, nominatedNodeName }: PodReport): AnyObject {
  const status: PodStatus = { ...pod['status'] }
  status.conditions = withReported(status.conditions, condition!)
  if (nominatedNodeName) status.nominatedNodeName = nominatedNodeName
  else if (nominatedNodeName === '') delete status.nominatedNodeName
  const { labels, annotations } = metadata
  const marks = {
    ...(labels ? { labels: { ...labels } } : {}),
    ...(annotations ? { annotations: { ...annotations } } : {}),
  }
  return {
    ...pod,
    metadata: { ...metadata, ...marks, resourceVersion: '', ...(uid ? { uid } : {}) },
    status,
  } as AnyObject
}

/** As a strategic patch would have it: what the condition said and is not said anew stays. */
function withReported(conditions: readonly PodCondition[] = [], next: PodCondition): PodCondition[] {
  const at = conditions.findIndex(c => c.type === next.type)
  // Kubernetes writes this one even where it is empty.
  const empty = { lastProbeTime: null } as unknown as PodCondition
  if (at < 0) return [...conditions, { ...empty, ...next }]
  return conditions.map((c, i) => (i === at ? { ...empty, ...c, ...next } : c))
}
