import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type KeyPair, validityOf } from '../base/certificates.ts'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { keepGatewayKey } from './gateway-part.ts'
import { systemOutside } from './outside.ts'
import { loadPki } from './pki.ts'
import { current, keepAdminKey, keepServerKeys, listenerKeys, shownBy } from './server-keys.ts'

const yearMs = 365 * 86_400_000

test('a server that runs on and on replaces its certificates before their end, and uses the new ones', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'server-keys-'))
  const outside = { ...systemOutside(silentLogger), clock: new VirtualClock() }
  const { clock } = outside
  const pki = await loadPki({ ...outside, folder, serverNames: { dnsNames: ['localhost'], ips: [] } })
  const [client, proxy] = [current(pki, 'agentClient'), current(pki, 'frontProxyClient')]
  const first = { shown: shownBy(pki), client: { ...client }, proxy: { ...proxy } }
  const shown: KeyPair[] = []
  const stop = keepServerKeys(pki, { useCertificate: pair => void shown.push(pair as KeyPair) }, outside)

  await clock.advance(0.65 * yearMs)
  expect({ shown: shownBy(pki), client: { ...client }, proxy: { ...proxy } }).toEqual(first)
  expect(shown).toEqual([])
  await clock.advance(0.3 * yearMs)
  // Signing takes real time.
  while (!shown.length || client.cert === first.client.cert || proxy.cert === first.proxy.cert)
    await new Promise(resolve => setTimeout(resolve, 5))
  expect(shown).toEqual([listenerKeys(pki)])
  for (const { cert } of [pki.server, client, proxy])
    expect(validityOf(cert).untilMs - clock.now()).toBeGreaterThan(0.7 * yearMs)
  expect(await readFile(join(folder, 'agent-client.crt'), 'utf8')).toBe(client.cert)
  stop()
  await rm(folder, { recursive: true })
})

test('the administrator’s and the gateway’s certificates are replaced in time, and put to use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'server-keys-'))
  const outside = { ...systemOutside(silentLogger), clock: new VirtualClock() }
  const { clock } = outside
  const pki = await loadPki({ ...outside, folder, serverNames: { dnsNames: ['localhost'], ips: [] } })
  const first = pki.admin
  const gateway = await pki.serving('gateway', { commonName: 'optiflow-gateway', dnsNames: ['localhost'] })
  const used: { admin: KeyPair[]; gateway: KeyPair[] } = { admin: [], gateway: [] }
  const stops = [
    keepAdminKey(pki, async () => void used.admin.push(pki.admin), outside),
    keepGatewayKey(pki, { useOwnCertificate: async pair => void used.gateway.push(pair) }, gateway, outside),
  ]
  await clock.advance(0.65 * yearMs)
  expect(used).toEqual({ admin: [], gateway: [] })
  await clock.advance(0.3 * yearMs)
  // Signing takes real time.
  while (!used.admin.length || !used.gateway.length) await new Promise(resolve => setTimeout(resolve, 5))
  for (const stop of stops) stop()
  expect(pki.admin.cert).not.toBe(first.cert)
  expect(used.admin).toEqual([pki.admin])
  for (const { cert } of [...used.admin, ...used.gateway])
    expect(validityOf(cert).untilMs - clock.now()).toBeGreaterThan(0.7 * yearMs)
  expect(await readFile(join(folder, 'gateway.crt'), 'utf8')).toBe(used.gateway[0]!.cert)
  await rm(folder, { recursive: true })
})
