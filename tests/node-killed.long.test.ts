import { expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.ts'
import { killOften, NodeChurn } from './support/node-churn.ts'
import { realImpossible } from './support/parts.ts'

const kills = Number(process.env['NODE_KILLS'] ?? 0)
const obstacle = realImpossible() ?? (kills ? undefined : 'eight minutes long: NODE_KILLS=100 asks for it')

it.skipIf(obstacle)(
  `an agent that is killed again and again loses, doubles, restarts and leaks nothing${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  async () => {
    const seed = Number(process.env['OPTIFLOW_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
    await using churn = await NodeChurn.open()
    const { wrong, cutShort, leftBehind } = await killOften(churn, { kills, pods: 50, random: seededRandom(seed) })
    console.log(`seed ${seed}: ${cutShort} starts cut short; left behind ${JSON.stringify(leftBehind)}`)
    expect(wrong).toEqual([])
    expect(leftBehind).toMatchObject({ containers: 0, shims: 0, mounts: 0 })
    // What containerd forgot when it was killed is taken out by the node in time, and by hand at once.
    await churn.leftBehind({ fix: true })
    expect(await churn.leftBehind()).toMatchObject({ all: 0 })
  },
)
