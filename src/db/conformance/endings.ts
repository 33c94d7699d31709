import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../../base/virtual-clock.ts'
import { StoreFailed } from '../store.ts'
import { checkAgainstModel, step } from './model.ts'
import type { Subject } from './subject.ts'

/** The end of a store, and histories by chance. */
export function endsWell(on: Subject): void {
  const { options, put, watch } = on
  describe('disposal', () => {
    it('makes waiting watches and later calls fail, and keeps what was accepted', async () => {
      const reader = watch('/', await on.store.revision())
      const waiting = reader.next().catch(e => e)
      await settle()
      const accepted = put('/a', '1')
      await on.store[Symbol.asyncDispose]()
      await expect(accepted).resolves.toBeTypeOf('bigint')
      // The last event may still come through before the end.
      let end = await waiting
      while (!(end instanceof Error)) end = await reader.next().catch(e => e)
      expect(end).toBeInstanceOf(StoreFailed)
      await expect(put('/b', '1')).rejects.toBeInstanceOf(StoreFailed)
      await expect(on.store.get('/a')).rejects.toBeInstanceOf(StoreFailed)
      await expect(watch('/', 0n).batch()).rejects.toBeInstanceOf(StoreFailed)
      await on.store[Symbol.asyncDispose]()
    })
  })

  describe('any history', () => {
    it('reads the same as in a plain model, now and at every kept revision, and replays the same', async () => {
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async steps => {
          const root = `/run${run++}/`
          await checkAgainstModel(on.store, root, steps, on.stop.signal, options.swept)
        }),
        { numRuns: options.runs ?? 60 },
      )
    })
  })
}
