import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { connect } from '../../src/cli/connection.ts'
import { createLeaderElection } from '../../src/client/index.ts'
import { ConfigMap, Lease } from '../../src/models/kinds/index.ts'

/*
 * A leader that does not look whether it still leads: it writes ConfigMaps under its fence until it is refused. Says on one line each
 * what happens.   leader-main.ts KUBECONFIG NAME
 */
const [kubeconfig = '', identity = ''] = process.argv.slice(2)
const { client } = await connect({ kubeconfig })
const times = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 300 }
const outside = { clock: systemClock, random: systemRandom, log: silentLogger }
// Timers of the clock do not keep a process alive.
setInterval(() => {}, 60_000)
const election = createLeaderElection({ ...outside, ...times, client, name: 'fenced', identity })
await election.run(async ({ fence }) => {
  const lease = await client.get(Lease, { namespace: 'kube-system', name: 'fenced' })
  console.log(`leads since ${lease.metadata.resourceVersion}`)
  const fenced = client.under(fence)
  for (let n = 0; ; n++) {
    const metadata = { namespace: 'default', name: `${identity}-${n}` }
    try {
      await fenced.create(ConfigMap, { metadata })
    } catch (error) {
      console.log(`refused: ${(error as Error).message}`)
      return
    }
    if (n === 20) console.log('writes')
  }
}, new AbortController().signal)
