import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { validityOf } from '../base/certificates.ts'
import { systemDisk } from '../base/disk.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { certificateEnds, endWarnings, tellOfEnds } from './certificate-ends.ts'
import { loadPki } from './pki.ts'

const dayMs = 86_400_000

async function withKeys(
  test: (dataDir: string, clock: VirtualClock, load: () => ReturnType<typeof loadPki>) => Promise<void>,
) {
  const dataDir = await mkdtemp(join(tmpdir(), 'optiflow-ends-'))
  const clock = new VirtualClock()
  const load = () =>
    loadPki({
      ...{ folder: join(dataDir, 'pki'), disk: systemDisk, clock, random: systemRandom },
      serverNames: { dnsNames: ['localhost'], ips: [] },
    })
  await load()
  await test(dataDir, clock, load)
  await rm(dataDir, { recursive: true })
}

test('an authority is told of a year before its end, what it signed when nobody renewed it', () =>
  withKeys(async (dataDir, clock) => {
    const ends = await certificateEnds(systemDisk, dataDir)
    expect(ends.map(({ name, authority }) => [name, authority])).toEqual([
      ['ca', true],
      ['front-proxy-ca', true],
      ['server', false],
      ['admin', false],
      ['agent-client', false],
      ['front-proxy-client', false],
    ])
    const [ca, , server] = ends
    const daysBefore = (end: typeof ca, days: number) => endWarnings([end!], end!.untilMs - days * dayMs)
    expect(endWarnings(ends, clock.now())).toEqual([])
    expect(daysBefore(ca, 366)).toEqual([])
    expect(daysBefore(ca, 364)).toEqual([
      expect.stringContaining(`${dataDir}/pki/ca.crt ends on 2035-12-30T00:00:00Z, in 364 days`),
    ])
    expect(daysBefore(ca, -1)).toEqual([expect.stringContaining('has ended on')])
    expect(daysBefore(server, 31)).toEqual([])
    expect(daysBefore(server, 29)).toEqual([expect.stringContaining('should have been renewed')])
  }))

test('the log of a server that runs for years is told, too', () =>
  withKeys(async (dataDir, clock) => {
    const told: string[] = []
    const log = { ...silentLogger, warn: ({ what }: { what: string }) => void told.push(what) } as unknown as Logger
    // The disk would take real time.
    const ca = await systemDisk.readText(join(dataDir, 'pki/ca.crt'))
    const stop = await tellOfEnds(dataDir, { clock, disk: { ...systemDisk, readText: async () => ca }, log })
    await clock.advance(8 * 365 * dayMs)
    await settle()
    expect(told.filter(text => text.includes('/ca.crt'))).toEqual([])
    await clock.advance(1.5 * 365 * dayMs)
    await settle()
    expect(told.filter(text => text.includes('/ca.crt')).length).toBeGreaterThan(10)
    stop()
  }))

test('a start renews what has less than 30 days left, and keeps the authority', () =>
  withKeys(async (dataDir, clock, load) => {
    const before = await load()
    await clock.advance(330 * dayMs)
    expect((await load()).server).toEqual(before.server)
    await clock.advance(10 * dayMs)
    const after = await load()
    expect([after.ca, after.frontProxyCa]).toEqual([before.ca, before.frontProxyCa])
    for (const name of ['server', 'admin', 'agentClient', 'frontProxyClient'] as const) {
      expect(after[name].cert).not.toBe(before[name].cert)
      expect(validityOf(after[name].cert).untilMs - clock.now()).toBeGreaterThan(364 * dayMs)
    }
    expect(endWarnings(await certificateEnds(systemDisk, dataDir), clock.now())).toEqual([])
  }))
