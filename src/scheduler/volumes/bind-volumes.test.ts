import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Client } from '../../client/index.ts'
import { readConfiguration } from '../configuration/configuration.ts'
import { makeNode, makePod, makeScene } from '../testing/index.ts'
import { claimVolume, makeClaim, makeVolume, type VolumeSketch } from '../testing/storage.ts'

/** A pod on its way to node `n` in zone x, for which a volume is asked; what comes of it. */
function binding(args: object = {}) {
  const clock = new VirtualClock()
  const [profile] = readConfiguration({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [{ pluginConfig: [{ name: 'VolumeBinding', args }] }],
  }).profiles
  const claim = { name: 'c', storageClass: 'late' }
  const { state } = makeScene({
    nodes: [makeNode('n', { labels: { zone: 'x' } })],
    claims: [claim],
    storageClasses: [{ name: 'late', waits: true, provisioner: 'd' }],
  })
  const info = state.classes.admit(makePod('p', { volumes: [claimVolume('c')] }))
  const { plugin } = profile!.plugins.find(p => p.plugin.name === 'VolumeBinding')!
  const reservation = plugin.reserve!(plugin.prepare(info.pod, state, info), state.byName('n')!)
  const written = makeClaim({ ...claim, selectedNode: 'n' })
  written.metadata.resourceVersion = '2'
  const client = { patch: async () => written } as unknown as Client
  const world = { client, clock, signal: new AbortController().signal }
  const outcome = reservation!.write!(world).then(
    () => 'bound',
    error => String(error.message),
  )
  return {
    clock,
    outcome,
    /** Which of the two is heard of first does not matter. */
    async make(volume: VolumeSketch, volumeFirst: boolean) {
      await clock.advance(0)
      if (volumeFirst) state.objects.volumes.set(makeVolume(volume))
      state.objects.claims.set(makeClaim({ ...claim, volume: 'v' }))
      await clock.advance(0)
      if (!volumeFirst) state.objects.volumes.set(makeVolume(volume))
    },
  }
}

test.each<[string, string, boolean, string]>([
  ['is bound to a volume that the node reaches', 'x', true, 'bound'],
  ['is bound to one that is heard of later', 'x', false, 'bound'],
  ['fails if the volume was made elsewhere', 'y', true, 'node affinity of persistentvolume v does not match node n'],
  ['and if that is heard of later', 'y', false, 'node affinity of persistentvolume v does not match node n'],
])('a claim that waited %s', async (_, zone, volumeFirst, expected) => {
  const { make, outcome } = binding()
  await make({ name: 'v', zone }, volumeFirst)
  expect(await outcome).toBe(expected)
})

test.each([
  [{}, 600],
  [{ bindTimeoutSeconds: 5 }, 5],
])('a pod waits for its volumes as long as it is told: %j', async (args, seconds) => {
  const { clock, outcome } = binding(args)
  let said: string | undefined
  void outcome.then(text => (said = text))
  await clock.advance(1_000 * seconds - 1)
  expect(said).toBeUndefined()
  await clock.advance(1)
  expect(await outcome).toBe('timed out waiting for the condition')
})
