import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { validityOf } from '../base/certificates.ts'
import { silentLogger } from '../base/logger.ts'
import { createClient, httpTransport, inProcessTransport } from '../client/index.ts'
import { Node } from '../models/kinds/index.ts'
import { startControllers } from './controllers.ts'
import { controllerUser } from './identities.ts'
import { joinCluster } from './join.ts'
import { systemOutside } from './outside.ts'
import { allReconcilers } from './reconcilers.ts'
import { startServer } from './server.ts'
import { resolveSettings } from './settings.ts'
import { certificateSigner } from './signing.ts'

const outside = systemOutside(silentLogger)

test('a node outlives four lives of its certificates', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'node-keys-'))
  const settings = resolveSettings({
    flags: { 'data-dir': folder, listen: '127.0.0.1:0', store: 'memory', 'cluster-signing-duration': '30s' },
    env: {},
    machine: { root: false, containerd: false, hostname: 'here' },
  })
  await using server = await startServer({ settings, outside, report: () => {} })
  const client = createClient(inProcessTransport(server.api.handler, controllerUser))
  const signer = certificateSigner(server.pki.ca, outside)
  const reconcilers = allReconcilers({ settings, ca: '', signer, simulated: true })
  await using _controllers = await startControllers({ client, outside, reconcilers })
  const { signal } = new AbortController()
  const about = { server: server.url, token: server.pki.joinToken, nodeName: 'n1', ips: ['127.0.0.1'] }
  const keys = await joinCluster({ ...about, folder: join(folder, 'keys'), outside, signal })
  await using calls = httpTransport({ server: server.url, ca: keys.ca, identity: () => keys.client })
  const stop = keys.keepRenewed(outside, undefined)
  const seen = { client: new Set<string>(), server: new Set<string>() }
  const endMs = validityOf(keys.client.cert).untilMs + 3 * 30_000
  while (outside.clock.now() < endMs) {
    expect((await createClient(calls).get(Node, { name: 'n1' })).metadata.name).toBe('n1')
    for (const use of ['client', 'server'] as const) {
      seen[use].add(keys[use].cert)
      expect(validityOf(keys[use].cert).untilMs).toBeGreaterThan(outside.clock.now())
    }
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  stop()
  expect(Math.min(seen.client.size, seen.server.size)).toBeGreaterThanOrEqual(4)
  await rm(folder, { recursive: true })
})
