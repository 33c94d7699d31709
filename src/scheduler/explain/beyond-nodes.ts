import type { Attempt } from '../attempts.ts'
import { extenderPlugin } from '../extenders/extender.ts'
import type { QueuePlace } from '../queues/standing.ts'
import type { Explanation } from './explanation.ts'

/** An explanation of a pod that waits in a queue: that comes first, what nodes say only when its turn has come. */
export function asQueued(said: Explanation, queue: QueuePlace): Explanation {
  const place = queue.position === undefined ? '' : `, place ${queue.position}`
  const start = queue.predictedStartTime ? `, expected to start at ${queue.predictedStartTime}` : ''
  const summary = `waits in queue ${queue.name}${place}${start}: ${queue.waitsFor}. As for nodes, it ${said.summary}`
  return { ...said, state: 'Queued', summary, queue }
}

/**
 * An explanation with what came of the scheduler's latest try. What extenders said is known from there only: they are other
 * programs, and are asked when a pod is placed.
 */
export function withLatest(said: Explanation, attempt: Attempt | undefined): Explanation {
  if (!attempt) return said
  const latest = { at: attempt.at, attempts: attempt.number, message: attempt.message }
  const refusals = attempt.refusals
    .filter(({ plugin }) => plugin === extenderPlugin)
    .map(({ plugin, reason, count, nodes }) => ({
      plugin,
      reason,
      nodes: count,
      first: count,
      examples: nodes.slice(0, 10),
    }))
  if (said.state !== 'Pending' || !refusals.length) return { ...said, latest }
  const reasons = refusals.map(({ nodes, reason }) => `${nodes} ${reason}`).join(', ')
  const summary = `${said.summary}; extenders refused when they were last asked: ${reasons}`
  return { ...said, summary, refusals: [...said.refusals, ...refusals], latest }
}
