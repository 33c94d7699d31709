import { expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.ts'
import { killOften, NodeChurn } from './support/node-churn.ts'
import { realImpossible } from './support/parts.ts'
import { serverAway } from './support/server-away.ts'

const kills = Number(process.env['NODE_KILLS'] ?? 0)
const obstacle = realImpossible() ?? (kills ? undefined : 'eight minutes long: NODE_KILLS=100 asks for it')

it.skipIf(obstacle)(
  `an agent that is killed again and again loses, doubles, restarts and leaks nothing${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  async () => {
    const seed = Number(process.env['OPTIFLOW_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
    await using churn = await NodeChurn.open()
    try {
      const { wrong, cutShort, leftBehind } = await killOften(churn, { kills, pods: 50, random: seededRandom(seed) })
      console.log(`seed ${seed}: ${cutShort} starts cut short; left behind ${JSON.stringify(leftBehind)}`)
      expect(wrong).toEqual([])
      expect(leftBehind).toMatchObject({ containers: 0, shims: 0, mounts: 0 })
      // What containerd forgot when it was killed is taken out by the node in time, and by hand at once.
      await churn.leftBehind({ fix: true })
      expect(await churn.leftBehind()).toMatchObject({ all: 0 })
    } catch (error) {
      console.log(`failed with OPTIFLOW_SEED=${seed}; what was said is in ${await churn.keepLogs(seed)}`)
      throw error
    }
  },
)

const awayMinutes = Number(process.env['SERVER_AWAY_MINUTES'] ?? 0)
const shortOnly = realImpossible() ?? (awayMinutes ? undefined : 'minutes long: SERVER_AWAY_MINUTES=10 asks for it')

it.skipIf(shortOnly)(
  `a node goes on while its server is away for long, and tells all once it is back${shortOnly ? ` (skipped: ${shortOnly})` : ''}`,
  { timeout: (awayMinutes + 3) * 60_000 },
  async () => {
    await using churn = await NodeChurn.open()
    const { rightAfterMs, starts, log } = await serverAway(churn, awayMinutes * 60_000)
    console.log(`status right ${(rightAfterMs / 1000).toFixed(1)} s after the server was back`)
    expect({ starts, log }).toEqual({ starts: 2, log: 'I am here\n' })
    expect(rightAfterMs).toBeLessThan(5_000)
  },
)
