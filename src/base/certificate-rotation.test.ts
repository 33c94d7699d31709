import { beforeAll, expect, test } from 'vitest'
import { keepRenewed, rotationAtMs } from './certificate-rotation.ts'
import { createAuthority, issueCertificate, type KeyPair, validityOf } from './certificates.ts'
import { silentLogger } from './logger.ts'
import { VirtualClock } from './virtual-clock.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
/** Always in the middle: 80 % of a life, and a back-off that is 5 % shorter. */
const random = { next: () => 0.5, uuid: () => '', bytes: () => new Uint8Array() }

let authority: KeyPair
/** Made one 80 days after the other, for 100 days each: signing takes time that a clock of ours does not know. */
let pairs: KeyPair[]

beforeAll(async () => {
  const clock = new VirtualClock()
  authority = await createAuthority('test', clock)
  pairs = []
  for (let round = 0; round < 5; round++) {
    pairs.push(await issueCertificate(authority, { commonName: 'n1', usages: ['server'], days: 100 }, clock))
    clock.jumpWall(80 * dayMs)
  }
})

/** A node with a certificate that is renewed, under a clock of the test's. */
class Node {
  readonly clock = new VirtualClock()
  readonly stop = new AbortController()
  /** When others were asked for, in hours since the start. */
  readonly askedAtHours: number[] = []
  /** Ages of those that were replaced, in days. */
  readonly agesDays: number[] = []
  failed = 0
  /** So many attempts fail from now on. */
  failures = 0
  #round = 0

  constructor() {
    void keepRenewed(
      {
        ...{ certificate: 'server', random, clock: this.clock, log: silentLogger },
        renewed: seconds => this.agesDays.push(Math.round(seconds / 86_400)),
        failed: () => this.failed++,
        current: () => pairs[this.#round]!,
        renew: async () => {
          this.askedAtHours.push(this.clock.monotonicMs() / hourMs)
          if (this.failures-- > 0) throw new Error('the server is away')
          this.#round++
        },
      },
      this.stop.signal,
    )
  }

  get leftMs(): number {
    return validityOf(pairs[this.#round]!.cert).untilMs - this.clock.now()
  }
}

test('the moment lies between 70 and 90 % of a life', () => {
  const life = { fromMs: 1_000, untilMs: 2_000 }
  const at = (share: number) => rotationAtMs(life, { ...random, next: () => share })
  expect([at(0), at(0.5), at(1)]).toEqual([1_700, 1_800, 1_900])
})

test('a certificate is replaced again and again before its end, and never before its time', async () => {
  const node = new Node()
  await node.clock.advance(79 * dayMs)
  expect(node.askedAtHours).toEqual([])
  for (let round = 1; round <= 4; round++) await node.clock.advance(80 * dayMs)
  expect(node.askedAtHours.map(hours => Math.round(hours / 24))).toEqual([80, 160, 240, 320])
  expect(node.leftMs).toBeGreaterThan(0)
  expect(node.agesDays).toEqual([80, 80, 80, 80])
  node.stop.abort()
  await node.clock.advance(100 * dayMs)
  expect(node.askedAtHours).toHaveLength(4)
})

test('what fails is counted, and tried again ever later, at most every 32 seconds', async () => {
  const node = new Node()
  node.failures = 7
  await node.clock.advance(81 * dayMs)
  const waits = node.askedAtHours.map((hours, i) => Math.round((hours - (node.askedAtHours[i - 1] ?? hours)) * 3_600))
  expect(waits).toEqual([0, 2, 4, 8, 15, 30, 30, 30])
  expect(node.failed).toBe(7)
  expect(node.leftMs).toBeGreaterThan(98 * dayMs)
})

test('a machine that slept past the moment asks within the hour after it wakes', async () => {
  const node = new Node()
  await node.clock.advance(dayMs)
  node.clock.jumpWall(90 * dayMs)
  await node.clock.advance(hourMs)
  expect(node.askedAtHours).toHaveLength(1)
})

test('who signs is given up after a quarter of an hour, and asked anew', async () => {
  const clock = new VirtualClock()
  const own = await issueCertificate(authority, { commonName: 'n1', usages: ['client'], days: 1 }, clock)
  const reasons: unknown[] = []
  const renew = (signal: AbortSignal) =>
    new Promise<void>((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason)
        reject(signal.reason)
      }),
    )
  const stop = new AbortController()
  const log = silentLogger
  void keepRenewed({ certificate: 'client', current: () => own, renew, clock, random, log }, stop.signal)
  await clock.advance(0.8 * dayMs)
  await clock.advance(16 * 60_000)
  expect(reasons.map(String)).toEqual(['Error: nobody signed it within 15 minutes'])
  stop.abort()
})
