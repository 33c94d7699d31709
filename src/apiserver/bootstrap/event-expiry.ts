import { every } from '../../base/clock.ts'
import { explain, isAbort } from '../../base/errors.ts'
import { Event } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { StaleObject } from '../storage/object-store.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

const checkMs = 60_000
/** Looked at in one round, so that no round takes long. */
const roundSize = 2000

/** Deletes Events that nothing was added to for so long; what they were stays in the history. */
export function expireEvents(core: Core, ageMs: number): void {
  every(core.clock, checkMs, () => expire(core, ageMs), core.closing)
}

async function expire(core: Core, ageMs: number): Promise<void> {
  const bucket = core.cache.bucket(core.resources.of(Event))
  const oldest = bucket
    .list()
    .sort((a, b) => a.revision - b.revision)
    .slice(0, roundSize)
  const limit = core.clock.now() - ageMs
  for (const event of oldest) {
    // They are in the order in which they were last written.
    if (core.closing.aborted || lastSeenMs(event) > limit) return
    try {
      await core.objects.remove(event)
    } catch (error) {
      // It was written meanwhile, or another server was first.
      if (error instanceof StaleObject) continue
      if (!isAbort(error)) core.log.warn({ error: explain(error) }, 'old events were not deleted')
      return
    }
  }
}

function lastSeenMs(event: KeptObject): number {
  const object = event.parse() as AnyObject &
    Record<'lastTimestamp' | 'eventTime', string | undefined> & {
      series?: { lastObservedTime?: string }
    }
  const times = [
    object.series?.lastObservedTime,
    object.lastTimestamp,
    object.eventTime,
    object.metadata.creationTimestamp,
  ].map(time => Date.parse(time ?? ''))
  return Math.max(...times.filter(time => !Number.isNaN(time)), 0)
}
