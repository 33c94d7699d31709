import { join } from 'node:path'
import type { NodeChurn } from './node-churn.ts'
import { isReady } from './parts.ts'
import { until } from './processes.ts'

export interface AwayResult {
  /** From the server's return until the API said what had become of the pod. */
  rightAfterMs: number
  /** How often its container has started by then. */
  starts: number
  /** What the pod had written, as the node's own server gave it while there was no other. */
  log: string
}

/**
 * A pod of a node whose server dies: it is probed and restarted, a new agent takes it over, its log can be read, and when the
 * server is back it is told.
 * @param awayMs so long at least
 */
export async function serverAway(churn: NodeChurn, awayMs = 0): Promise<AwayResult> {
  const { server } = churn
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
  const away = performance.now()
  await moreProbes()
  await churn.touch('fail')
  await until('a second start', async () => (await churn.startsOf(uid)) === 2)
  await churn.killAgent()
  churn.startAgent()
  do await moreProbes()
  while (performance.now() - away < awayMs)
  const log = await logOf(churn)
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
  return { rightAfterMs: performance.now() - back, starts: await churn.startsOf(uid), log }
}

/** From the node's own server, with the keys of who may ask it. */
function logOf({ server, node }: NodeChurn): Promise<string> {
  const pki = join(server.dataDir, 'pki')
  const keys = ['ca-certificate=ca.crt', 'certificate=admin.crt', 'private-key=admin.key']
  return node.machine.ok('wget', [
    ...['-qO-', '-T', '5', '-t', '1', ...keys.map(key => `--${key.replace('=', `=${pki}/`)}`)],
    'https://10.77.0.12:10250/containerLogs/default/alone/main',
  ])
}
