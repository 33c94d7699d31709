import type { AnyObject } from '../models/object.ts'
import { type Finding, stops, waits } from './explanation.ts'

interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
}

/** Conditions of these names tell that something happens when they are True, and nothing when they are not. */
const underWay = /^(Progressing|Reconciling)$/
/** Conditions of these names tell of something bad when they are True; all others when they are not. */
const bad =
  /Fail|Error|Pressure|Degraded|Stalled|Unavailable|Conflict|Terminating|Invalid|NonStructural|Blocked|Suspend/

/** What any object says of itself, of whatever kind: by its conditions, those of its parents (routes), and its phase. */
export function byConditions(object: AnyObject): { summary: string; findings: Finding[] } {
  const { status } = object
  const own: Condition[] = Array.isArray(status?.conditions) ? status.conditions : []
  const parents: [where: string, of: Condition[]][] = (Array.isArray(status?.parents) ? status.parents : []).map(
    (parent: AnyObject) => [`${parent['parentRef']?.name}: `, parent['conditions'] ?? []],
  )
  const findings = [['', own] as const, ...parents].flatMap(([where, conditions]) =>
    conditions.filter(isAmiss).map(condition => told(where, condition)),
  )
  const ready = own.find(({ type }) => type === 'Ready' || type === 'Available' || type === 'Programmed')
  if (typeof status?.phase === 'string') return { summary: `it is ${status.phase}`, findings }
  if (ready) return { summary: `it is ${ready.status === 'True' ? '' : 'not '}${ready.type.toLowerCase()}`, findings }
  const said = findings.length ? 'its status says what is amiss' : 'nothing in its status says that something is amiss'
  return { summary: status ? said : 'it has no status: no controller has said anything about it', findings }
}

const isAmiss = ({ type, status }: Condition) =>
  bad.test(type) || underWay.test(type) ? status === 'True' : status !== 'True'

function told(where: string, { type, status, reason, message }: Condition): Finding {
  const why = [reason, message].filter(Boolean).join(': ')
  const text = `${where}${type} is ${status}${why ? `: ${why}` : ''}`
  return status === 'Unknown' || underWay.test(type) ? waits(text) : stops(text)
}
