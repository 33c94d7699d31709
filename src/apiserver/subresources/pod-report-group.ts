import { invalidError } from '../../models/api-error.ts'
import { Pod, PodReportGroup } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { PodCondition, PodStatus } from '../../models/types/core-v1.ts'
import type { PodReport } from '../../models/types/optiflow-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import { readObject } from '../bodies/object-body.ts'
import type { ComputedVerbs, ResourceCall } from '../core.ts'
import { deleteObject } from '../objects/delete-object.ts'
import { type TrackOwners, trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { valueReply } from '../replies/object-form.ts'
import { fieldManager, isDryRun } from '../verbs/write-options.ts'
import { oneOfGroup } from './of-group.ts'

const toReport = { verb: 'patch', subresource: 'status' }
const toDelete = { verb: 'delete', subresource: '' }

/**
 * POST podreportgroups: what as many patches of statuses, and deletions after them, would do, each with its own right,
 * admission and conflict, and to watchers the same events.
 */
export function podReportGroupHandler(authorizer: AuthorizerChain): [string, ComputedVerbs] {
  return [
    `${PodReportGroup.group}/${PodReportGroup.plural}`,
    {
      async create(call) {
        const group = readObject(call, PodReportGroup) as PodReportGroup & AnyObject
        const errors = PodReportGroup.validate!(group)
        if (errors.length) throw invalidError(PodReportGroup, '', errors)
        const pods = group.spec.pods!
        const dryRun = isDryRun(call)
        const track = trackPlainWrite(call.core, Pod, fieldManager(call), 'status')
        const outcomes = await Promise.all(
          pods.map(pod => {
            const rights = pod.delete ? [toReport, toDelete] : [toReport]
            return oneOfGroup(call, authorizer, pod, rights, () => report(call, pod, track, dryRun))
          }),
        )
        const refused = outcomes.flatMap((error, index) => (error ? [{ index, status: error.toStatus() }] : []))
        return valueReply(call, 201, answer(pods.length, refused))
      },
    },
  ]
}

const answer = (asked: number, refused: object[]) =>
  ({
    kind: PodReportGroup.kind,
    apiVersion: `${PodReportGroup.group}/${PodReportGroup.version}`,
    metadata: { creationTimestamp: null },
    status: { written: asked - refused.length, ...(refused.length ? { refused } : {}) },
  }) as unknown as AnyObject

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
  const status = structuredClone(pod['status'] ?? {}) as PodStatus
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
