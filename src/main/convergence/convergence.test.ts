import { expect, it } from 'vitest'
import { allReconcilers } from '../reconcilers.ts'
import { explore, report } from './explore.ts'
import { createsTwice, deletesOnAnOldView, trustsItsCache } from './planted.ts'
import { stories } from './stories/index.ts'

it.each([
  [createsTwice, 'crash', 'secrets/default/made-* was created 2 times, not 1'],
  [trustsItsCache, 'late', 'secrets/default/made-* was created 2 times, not 1'],
  [deletesOnAnOldView, 'past', 'secrets/default/made was deleted 3 times, not 2'],
])('the mistake of one that $name is found', async (story, kind, difference) => {
  const { divergences } = await explore(story, all => all.filter(t => t.kind === kind).slice(0, 2))
  expect(divergences.flatMap(d => d.differences)).toContain(difference)
})

it('there is a story about every reconciler', () => {
  const signer = { sign: async () => '' }
  const all = allReconcilers({
    ...{ settings: { clusterCidr: '10.244.0.0/16' }, ca: '', signer },
    ...{ gatewayAddresses: [], reservedPorts: new Map() },
  })
  const told = new Set(stories.flatMap(s => s.about))
  expect(all.map(r => r.name).filter(name => !told.has(name))).toEqual([])
})

const quick = ['a ReplicationController grows and shrinks', 'an indexed Job of which one index fails']
it.each(stories.filter(s => quick.includes(s.name)))('$name, whatever befalls the controllers', async story => {
  const found = await explore(story, all => all.filter((_, i) => i % 9 === 4))
  expect(found.divergences, report(found)).toEqual([])
})
