import { afterAll, beforeAll, describe } from 'vitest'
import { EtcdCluster, wipe } from '../db/etcd/testing/cluster.ts'
import { openEtcdStore } from '../db/index.ts'
import { expiryRules } from './testing/expiry-rules.ts'

for (const size of [1, 3]) {
  describe(`an etcd cluster of ${size}`, () => {
    let cluster: EtcdCluster
    beforeAll(async () => {
      cluster = await EtcdCluster.start(size)
    })
    afterAll(() => cluster?.stop())
    expiryRules('etcd', async () => {
      await wipe(cluster.endpoints)
      return openEtcdStore({ endpoints: cluster.endpoints })
    })
  })
}
