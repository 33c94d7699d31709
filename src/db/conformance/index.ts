import { describe } from 'vitest'
import type { VirtualClock } from '../../base/virtual-clock.ts'
import type { Store } from '../store.ts'
import { commitsWell } from './commit.ts'
import { compactsWell } from './compaction.ts'
import { endsWell } from './endings.ts'
import { remembersKeys } from './past.ts'
import { readsWell } from './reads.ts'
import { type ConformanceOptions, Subject } from './subject.ts'
import { watchesWell } from './watch.ts'

/**
 * What every engine of the store must do. Revisions are compared, never assumed to start at 1 or to be without gaps.
 * @param open opens an empty store; slow watchers should fall back to history after some 64 waiting events
 */
export function storeConformance(
  name: string,
  open: (clock: VirtualClock) => Promise<Store>,
  options: ConformanceOptions = {},
): void {
  describe(`${name} as a store`, () => {
    const on = new Subject(open, options)
    readsWell(on)
    commitsWell(on)
    watchesWell(on)
    compactsWell(on)
    remembersKeys(on)
    endsWell(on)
  })
}
