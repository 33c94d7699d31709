import { expect, it } from 'vitest'
import { refuseTwoOwners } from '../client/declared-writes.ts'
import { allReconcilers } from '../main/reconcilers.ts'

it('no status has two owners, and no two reconcilers share a name', () => {
  const signer = { sign: async () => '' }
  const all = allReconcilers({ settings: { clusterCidr: '10.244.0.0/16' }, ca: '', signer })
  refuseTwoOwners(all)
  expect(new Set(all.map(r => r.name)).size).toBe(all.length)
})
