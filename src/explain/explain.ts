import { groupOf } from '../client/owner.ts'
import { ageOf } from '../models/duration.ts'
import { lastTimeOf } from '../models/event-time.ts'
import { Event } from '../models/kinds/index.ts'
import type { AnyObject } from '../models/object.ts'
import type { Asking } from './asking.ts'
import { byConditions } from './by-conditions.ts'
import { type Finding, type Mark, type ObjectExplanation, stops, unknown, waits, warned } from './explanation.ts'
import { explainers } from './kinds/index.ts'

const warningsShown = 3
const order: readonly Mark[] = ['stops', 'waits', 'warned', 'unknown', 'well']

/** Why an object is as it is: what its kind can say, what holds it while it is being deleted, and the last warnings about it. */
export async function explainObject(object: AnyObject, ask: Asking): Promise<ObjectExplanation> {
  const { namespace, name } = object.metadata
  const group = groupOf(object.apiVersion)
  const explainer = explainers.find(({ kind }) => kind.kind === object.kind && kind.group === group)
  const said = explainer
    ? { summary: explainer.summary(object), findings: await explainer.findings(object, ask) }
    : byConditions(object)
  const findings = [...leaving(object, ask.nowMs), ...said.findings, ...(await warnings(object, ask))]
  for (const plural of ask.hidden)
    findings.push(unknown(`you may not list or get ${plural}: what they would say is left out`))
  return {
    kind: object.kind,
    ...(namespace ? { namespace } : {}),
    name,
    summary: said.summary,
    findings: findings.toSorted((a, b) => order.indexOf(a.mark) - order.indexOf(b.mark)),
  }
}

/** Whose work is known, and needs no telling. */
const ownFinalizers = new Set([
  'foregroundDeletion',
  'orphan',
  'kubernetes',
  'kubernetes.io/pvc-protection',
  'kubernetes.io/pv-protection',
])

function leaving({ metadata }: AnyObject, nowMs: number): Finding[] {
  const { deletionTimestamp, finalizers = [] } = metadata
  if (!deletionTimestamp) return []
  const since = `it is being deleted, since ${ageOf(deletionTimestamp, nowMs)}`
  const others = finalizers.filter(name => !ownFinalizers.has(name))
  if (!others.length) return [waits(finalizers.length ? `${since}; it waits for ${finalizers.join(', ')}` : since)]
  const next =
    'Whoever set it takes it off when done; if that program is gone, take it off yourself, and do its work by hand.'
  return [stops(`${since}, and held by metadata.finalizers: ${others.join(', ')}`, next)]
}

/** The newest of each reason, of this object, not of an earlier one of its name. They are evidence, and who may not read them learns the rest. */
async function warnings({ metadata }: AnyObject, ask: Asking): Promise<Finding[]> {
  const namespace = metadata.namespace ?? 'default'
  const events = await ask.list(Event, { namespace, fieldSelector: `involvedObject.uid=${metadata.uid},type=Warning` })
  const newest = events.toSorted((a, b) => (lastTimeOf(a) < lastTimeOf(b) ? 1 : -1))
  return newest
    .filter((event, i) => newest.findIndex(other => other.reason === event.reason) === i)
    .slice(0, warningsShown)
    .map(({ reason, message, ...event }) =>
      warned(
        `${reason}, ${ageOf(lastTimeOf(event as Event), ask.nowMs)} ago: ${(message ?? '').trim().replaceAll('\n', ' ')}`,
      ),
    )
}
