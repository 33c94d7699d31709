import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { seededRandom } from '../src/base/random.ts'
import { killOften, NodeChurn } from './support/node-churn.ts'
import { realImpossible } from './support/parts.ts'
import { serverAway } from './support/server-away.ts'

const obstacle = realImpossible()

describe.skipIf(obstacle)(`a node whose programs die${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let churn: NodeChurn

  beforeAll(async () => {
    churn = await NodeChurn.open()
  })

  afterAll(async () => {
    await churn?.[Symbol.asyncDispose]()
  })

  const seed = 17
  const keepLogs = () => onTestFailed(async () => console.log(`what was said is in ${await churn.keepLogs(seed)}`))

  it('keeps every pod as it was, however often agent and containerd are killed', async () => {
    keepLogs()
    const { wrong, leftBehind } = await killOften(churn, { kills: 5, pods: 6, random: seededRandom(seed) })
    expect(wrong).toEqual([])
    expect(leftBehind).toMatchObject({ containers: 0, shims: 0, mounts: 0 })
    await churn.leftBehind({ fix: true })
    expect(await churn.leftBehind()).toMatchObject({ all: 0 })
  })

  it('goes on without a server, across a new agent too, and tells all when the server is back', async () => {
    keepLogs()
    const { rightAfterMs, starts, log } = await serverAway(churn)
    console.log(`status right ${(rightAfterMs / 1000).toFixed(1)} s after the server was back`)
    expect({ starts, log }).toEqual({ starts: 2, log: 'I am here\n' })
    // Five seconds are the promise; a machine that is busy with other things gets ten.
    expect(rightAfterMs).toBeLessThan(10_000)
  })
})
