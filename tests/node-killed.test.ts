import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.ts'
import { killOften, NodeChurn } from './support/node-churn.ts'
import { isReady, realImpossible } from './support/parts.ts'
import { until } from './support/processes.ts'

const obstacle = realImpossible()

describe.skipIf(obstacle)(`a node whose programs die${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let churn: NodeChurn

  beforeAll(async () => {
    churn = await NodeChurn.open()
  })

  afterAll(async () => {
    await churn?.[Symbol.asyncDispose]()
  })

  it('keeps every pod as it was, however often agent and containerd are killed', async () => {
    const { wrong, leftBehind } = await killOften(churn, { kills: 5, pods: 6, random: seededRandom(17) })
    expect(wrong).toEqual([])
    expect(leftBehind).toMatchObject({ containers: 0, shims: 0, mounts: 0 })
    await churn.leftBehind({ fix: true })
    expect(await churn.leftBehind()).toMatchObject({ all: 0 })
  })

  it('goes on without a server, across a new agent too, and tells all when the server is back', async () => {
    const { server, node } = churn
    const livenessProbe = {
      // Fails once for each time that it is told to.
      exec: { command: ['sh', '-c', 'echo p >> /starts/probes; ! rm /starts/fail'] },
      periodSeconds: 1,
      failureThreshold: 1,
    }
    await server.apply(churn.pod('alone', 'echo I am here;', { livenessProbe }))
    const { uid } = (
      await until('it to run', async () => {
        const pod = await server.get('pod', 'alone')
        return isReady(pod) && pod
      })
    ).metadata
    const moreProbes = async () => {
      const before = (await churn.written('probes')).length
      await until('more probes', async () => (await churn.written('probes')).length >= before + 6)
    }
    await server.end('up', 'SIGKILL')
    await moreProbes()
    await churn.touch('fail')
    await until('a second start', async () => (await churn.startsOf(uid)) === 2)
    await churn.killAgent()
    churn.startAgent()
    await moreProbes()
    const pki = join(server.dataDir, 'pki')
    const keys = ['ca-certificate=ca.crt', 'certificate=admin.crt', 'private-key=admin.key']
    const wget = keys.map(key => `--${key.replace('=', `=${pki}/`)}`)
    const log = await node.machine.ok('wget', [
      ...['-qO-', '-T', '5', '-t', '1', ...wget],
      'https://10.77.0.12:10250/containerLogs/default/alone/main',
    ])
    expect(log).toBe('I am here\n')

    await churn.startServer()
    const back = performance.now()
    await until(
      'its restart to be told',
      async () => {
        const { metadata, status } = await server.get('pod', 'alone')
        if (metadata.uid === uid && status.containerStatuses[0].restartCount === 1 && isReady({ status })) return true
        throw new Error(JSON.stringify(status))
      },
      { everyMs: 20 },
    )
    const ms = performance.now() - back
    console.log(`status right ${(ms / 1000).toFixed(1)} s after the server was back`)
    // Five seconds are the promise; a machine that is busy with other things gets ten.
    expect(ms).toBeLessThan(10_000)
    expect(await churn.startsOf(uid)).toBe(2)
  })
})
