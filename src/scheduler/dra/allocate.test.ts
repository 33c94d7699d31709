import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import type { DeviceAttribute, DeviceClass, DeviceRequest, ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import { allocate, whyNone } from './allocate.ts'
import type { PooledDevice } from './pools.ts'

const driver = 'd.example'
const cel = (expression: string) => ({ cel: { expression } })
const expressions = [
  'device.attributes["d.example"].model == "a"',
  `device.driver == "${driver}"`,
  'device.attributes[1]',
]

test('what is counted is what the search finds: 3,000 random questions', () => {
  const random = seededRandom(11)
  const below = (n: number) => Math.floor(random.next() * n)
  const chance = (share: number) => random.next() < share
  const lists = Array.from({ length: 20 }, (_, l) =>
    Array.from({ length: below(6) }, (_, i): PooledDevice => {
      const attributes: Record<string, DeviceAttribute> = chance(0.8)
        ? { model: { string: chance(0.5) ? 'a' : 'b' } }
        : {}
      const device = { name: `${i}`, basic: { attributes } }
      return { id: `${l}/${i}`, driver, pool: `${l}`, device, slice: { spec: { nodeName: `${l}` } } as never }
    }),
  )
  const seen = { counted: 0, enough: 0, unclear: 0 }
  for (let round = 0; round < 3_000; round++) {
    const devices = lists[below(lists.length)]!
    const taken = new Set(devices.filter(() => chance(0.4)).map(d => d.id))
    const some = () => (chance(0.6) ? [cel(expressions[below(chance(0.1) ? 3 : 2)]!)] : [])
    const classes = { get: (): DeviceClass => ({ metadata: { name: 'c' }, spec: { selectors: some() } }) as never }
    const spec = classes.get()
    const request = (name: string): DeviceRequest => ({
      ...{ name, deviceClassName: 'c', selectors: some(), count: 1 + below(3) },
      ...(chance(0.1) ? { allocationMode: 'All' } : {}),
      ...(chance(0.2) ? { adminAccess: true } : {}),
    })
    const requests = chance(0.8) ? [request('r')] : [request('r'), request('s')]
    const claims = [{ metadata: { name: 'x' }, spec: { devices: { requests } } }] as ResourceClaim[]
    const asked = [claims, { get: () => spec }, devices, taken, 'n'] as const
    const found = allocate(...asked)
    const why = typeof found === 'string' ? found : undefined
    expect(whyNone(...asked)).toBe(why)
    if (why === undefined) seen.enough++
    else if (why === 'cannot allocate all claims') seen.counted++
    else seen.unclear++
  }
  expect(Object.values(seen).every(n => n > 50)).toBe(true)
})
