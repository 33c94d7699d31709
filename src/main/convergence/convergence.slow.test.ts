import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Net } from '../../base/net.ts'
import type { Reconciler } from '../../client/index.ts'
import { AskedPorts, embeddedEngine } from '../../gateway/index.ts'
import { memoryDriver } from '../../plugins/testing/memory-driver.ts'
import { gatewayReconcilers } from '../gateway-statuses.ts'
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
  const told = new Set(stories.flatMap(s => s.about))
  expect([...everyReconciler().map(r => r.name), 'garbage-collector'].filter(name => !told.has(name))).toEqual([])
})

it('every reconciler that is written is one of those that must have a story', () => {
  // With none of its options missing the table of contents leaves nothing out.
  const tables = ['reconcilers.ts', 'gateway-statuses.ts'].map(name => readFileSync(`src/main/${name}`, 'utf8')).join()
  const rooms = ['controller', 'discovery', 'gateway', 'network', 'scheduler'].map(room => `src/${room}`)
  const factories = rooms
    .flatMap(room => readdirSync(room, { recursive: true, withFileTypes: true }))
    .filter(file => file.name.endsWith('.ts') && !file.name.endsWith('.test.ts'))
    .map(file => readFileSync(`${file.parentPath}/${file.name}`, 'utf8'))
    .filter(text => /\): Reconciler \{/.test(text))
    .flatMap(text => [
      ...text.matchAll(/export (?:function|const) (\w+)[^\n]*\bReconciler\b|export function (\w+Reconciler)\(/g),
    ])
    .map(([, one, other]) => one ?? other!)
  expect(factories.length).toBeGreaterThan(50)
  const ofDrivers = ['Provisioner', 'Attacher', 'Resizer', 'Capacity', 'Health'].map(part => `csi${part}Reconciler`)
  expect(factories.filter(name => !tables.includes(name) && !ofDrivers.includes(name))).toEqual([])
})

function everyReconciler(): Reconciler[] {
  const asked = new AskedPorts()
  return [
    ...allReconcilers({
      ...{ settings: { clusterCidr: '10.244.0.0/16' }, ca: '', signer: { sign: async () => '' } },
      ...{ gateway: { addresses: [], engine: embeddedEngine, asked }, reservedPorts: new Map(), net: {} as Net },
      csiDrivers: [{ name: 'disk.test', driver: memoryDriver() }],
    }),
    ...gatewayReconcilers({
      ...{ addresses: [], portTaken: () => () => undefined, asked, engine: embeddedEngine, acme: undefined },
    }),
  ]
}

const quick = ['a ReplicationController grows and shrinks', 'an indexed Job of which one index fails']
it.each(stories.filter(s => quick.includes(s.name)))('$name, whatever befalls the controllers', async story => {
  const found = await explore(story, all => all.filter((_, i) => i % 9 === 4))
  expect(found.divergences, report(found)).toEqual([])
})
