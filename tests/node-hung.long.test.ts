import { expect, it } from 'vitest'
import { NodeChurn } from './support/node-churn.ts'
import { realImpossible } from './support/parts.ts'
import { until } from './support/processes.ts'

const obstacle = realImpossible()

it.skipIf(obstacle)(
  `a node whose containerd hangs says so, lives on, and goes on where it was${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  async () => {
    await using churn = await NodeChurn.open()
    await churn.add(2)
    await churn.settled()
    await churn.signalContainerd('SIGSTOP')
    try {
      await churn.add(1)
      const notReady = async () => {
        const { status } = await churn.server.get('node', 'n2')
        const ready = status.conditions.find((condition: { type: string }) => condition.type === 'Ready')
        return ready.status === 'True' ? undefined : ready.message
      }
      expect(await until('the node to say that it is not ready', notReady, { timeoutMs: 60_000 })).toMatch(
        /^container runtime is down: Status had no answer from .* within 10 s$/,
      )
      const told = async () => {
        const { items } = await churn.server.get('events')
        return items.find((event: { reason: string }) => event.reason === 'FailedCreatePodSandBox')?.message
      }
      expect(await until('an event of the pod', told, { timeoutMs: 120_000 })).toMatch(/for 1m0s/)
      // By now the node would be Unknown, had it waited with its sign of life for containerd.
      expect(await notReady()).toMatch(/^container runtime is down/)
    } finally {
      await churn.signalContainerd('SIGCONT')
    }
    for (const { status } of await churn.settled()) expect(status.containerStatuses[0].restartCount).toBe(0)
  },
)
