import { silentLogger } from '../base/logger.ts'
import { seededRandom } from '../base/random.ts'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { runtimeConformance } from './conformance/index.ts'
import { openSimulated } from './simulated/simulated-runtime.ts'

runtimeConformance('simulated', async () => {
  const clock = new VirtualClock()
  const runtime = openSimulated({
    clock,
    random: seededRandom(7),
    log: silentLogger,
    sandboxDelayMs: 80,
    startDelayMs: 40,
    pullError: image => (image.includes('missing') ? `registry has no such image` : undefined),
  })
  return {
    runtime,
    // The object is the node's machine, not the agent's: it outlives its users.
    reopen: () => runtime,
    image: 'app:1',
    badImages: [{ what: 'missing', image: 'missing:1', says: /no such image/ }],
    logFolder: '/logs',
    async until(what, holds, withinMs = 60_000) {
      for (let waitedMs = 0; waitedMs <= withinMs; waitedMs += 50) {
        const found = await holds()
        if (found !== undefined) return found
        await clock.advance(50)
      }
      throw new Error(`waited in vain for ${what}`)
    },
    async during(work) {
      let over = false
      const done = work.finally(() => {
        over = true
      })
      done.catch(() => {})
      for (let i = 0; i < 10_000 && !over; i++) {
        await settle(1)
        if (!over) await clock.advance(20)
      }
      return done
    },
    async interrupt() {
      runtime.setAvailable(false)
      return async () => runtime.setAvailable(true)
    },
    leaks: async () => [],
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  }
})
