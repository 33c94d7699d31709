import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import type { DeviceAttribute, DeviceClass, DeviceRequest, ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import { Wanted } from './allocate.ts'
import { ClaimTable } from './device-uses.ts'
import type { PooledDevice, Reach } from './pools.ts'

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
    const reach: Reach = { devices, pools: [] }
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
    const wanted = new Wanted(claims, { get: () => spec })
    const found = wanted.allocate(reach, taken, 'n')
    const why = typeof found === 'string' ? found : undefined
    expect(wanted.whyNone(reach, taken, 'n')).toBe(why)
    if (why === undefined) seen.enough++
    else if (why === 'cannot allocate all claims') seen.counted++
    else seen.unclear++
  }
  expect(Object.values(seen).every(n => n > 50)).toBe(true)
})

test('what is counted follows claims as they come and go, are promised devices, and give them back', () => {
  const random = seededRandom(5)
  const below = (n: number) => Math.floor(random.next() * n)
  const slice = { spec: { nodeName: 'n' } } as never
  const reaches = Array.from({ length: 4 }, (_, pool): Reach => {
    const devices = Array.from({ length: 3 }, (_, i): PooledDevice => {
      return { id: `${driver}/${pool}/${i}`, driver, pool: `${pool}`, device: { name: `${i}`, basic: {} }, slice }
    })
    const name = `${pool}`
    return { devices, pools: [{ id: `${driver}/${pool}`, name, slices: [], incomplete: false, invalid: undefined }] }
  })
  const holding = (name: string) => {
    const results = [{ request: 'r', driver, pool: `${below(4)}`, device: `${below(3)}` }]
    const status = random.next() < 0.7 ? { allocation: { devices: { results } } } : {}
    return { metadata: { name }, spec: {}, status } as ResourceClaim
  }
  const requests = [{ name: 'r', deviceClassName: 'c', count: 2 }]
  const wanted = new Wanted([{ metadata: { name: 'x' }, spec: { devices: { requests } } } as ResourceClaim], new Map())
  const tables = [new ClaimTable(), new ClaimTable()]
  const seen = { enough: 0, none: 0 }
  for (let round = 0; round < 2_000; round++) {
    const table = tables[below(2)]!
    const changed = holding(`${below(6)}`)
    if (random.next() < 0.3) table.delete(changed)
    else table.set(changed)
    const promised = random.next() < 0.2 ? [holding('soon').status!.allocation!].filter(Boolean) : []
    const reach = reaches[below(4)]!
    const inUse = table.inUse(promised)
    const found = wanted.allocate(reach, inUse, 'n')
    expect(wanted.whyNone(reach, inUse, 'n')).toBe(typeof found === 'string' ? found : undefined)
    seen[typeof found === 'string' ? 'none' : 'enough']++
  }
  expect(Math.min(seen.enough, seen.none)).toBeGreaterThan(100)
})
