import type { NodeSelector } from '../../models/types/core-v1.ts'
import type {
  AllocationResult,
  Device,
  DeviceClass,
  DeviceRequest,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../models/types/resource-v1beta1.ts'
import { selects } from './device-expression.ts'
import type { DevicesInUse } from './device-uses.ts'
import { enoughDevices, expressionsOf } from './meant-devices.ts'
import type { PooledDevice } from './pools.ts'

/** As many as one claim may have. */
const mostDevices = 32
const nothingLeft = 'cannot allocate all claims'
/** Steps of the search, after which it is given up: the node counts as unfit. */
const mostSteps = 20_000

/** One device that is wanted. */
interface Wish {
  claim: number
  request: DeviceRequest
  candidates: readonly PooledDevice[]
}

/** The selectors say something that cannot be evaluated. */
class BadSelector extends Error {}

/**
 * Devices for all claims at once, so that none of them takes the last one that another needs: exact search within bounds.
 * @param devices those that the node reaches
 * @param inUse those that somebody has
 * @returns one allocation for each claim, or why there is none
 */
export function allocate(
  claims: readonly ResourceClaim[],
  classes: { get(name: string): DeviceClass | undefined },
  devices: readonly PooledDevice[],
  inUse: DevicesInUse,
  node: string,
): AllocationResult[] | string {
  try {
    const wishes = claims.flatMap((claim, i) => wishesOf(claim, i, classes, devices, inUse))
    if (typeof wishes[0] === 'string') return wishes[0]
    const chosen = search(claims, wishes as Wish[], inUse)
    if (!chosen) return nothingLeft
    return claims.map((claim, i) => resultOf(claim, i, classes, chosen, node))
  } catch (error) {
    if (error instanceof BadSelector) return error.message
    throw error
  }
}

/** Why there are no devices for all claims, if there are none: what `allocate` would say, and mostly sooner. */
export function whyNone(
  claims: readonly ResourceClaim[],
  classes: { get(name: string): DeviceClass | undefined },
  devices: readonly PooledDevice[],
  inUse: DevicesInUse,
  node: string,
): string | undefined {
  const enough = enoughDevices(claims, classes, devices, inUse, mostDevices)
  if (enough !== undefined) return enough ? undefined : nothingLeft
  const found = allocate(claims, classes, devices, inUse, node)
  return typeof found === 'string' ? found : undefined
}

function wishesOf(
  { metadata, spec }: ResourceClaim,
  claim: number,
  classes: { get(name: string): DeviceClass | undefined },
  devices: readonly PooledDevice[],
  inUse: DevicesInUse,
): Wish[] {
  const wishes = (spec.devices?.requests ?? []).flatMap(request => {
    const expressions = expressionsOf(request, classes)
    const isFree = ({ id }: PooledDevice) => request.adminAccess === true || !inUse.has(id)
    const isMeant = (d: PooledDevice) => matches(expressions, d, metadata.name, request.name)
    if (request.allocationMode === 'All')
      // Every one of them, or none: also where somebody has one already.
      return devices.filter(isMeant).map(device => ({ claim, request, candidates: isFree(device) ? [device] : [] }))
    const free = devices.filter(d => isFree(d) && isMeant(d))
    return Array.from({ length: request.count ?? 1 }, () => ({ claim, request, candidates: free }))
  })
  const emptyAll = (spec.devices?.requests ?? []).some(
    r => r.allocationMode === 'All' && !wishes.some(w => w.request === r),
  )
  if (emptyAll || wishes.length > mostDevices)
    throw new BadSelector(emptyAll ? nothingLeft : `claim ${metadata.name} asks for too many devices`)
  return wishes
}

function matches(expressions: readonly string[], { device, driver }: PooledDevice, claim: string, request: string) {
  for (const expression of expressions) {
    const answer = selects(expression, device, driver)
    if (typeof answer === 'string') throw new BadSelector(`claim ${claim}, request ${request}: ${answer}`)
    if (!answer) return false
  }
  return true
}

/** The device of each wish, in order; undefined if there is no way, or none was found within bounds. */
function search(claims: readonly ResourceClaim[], wishes: readonly Wish[], inUse: DevicesInUse) {
  const chosen: { wish: Wish; device: PooledDevice }[] = []
  const taken = new Set<string>()
  let steps = 0
  const fits = (wish: Wish, device: PooledDevice) => {
    if (!wish.request.adminAccess && (taken.has(device.id) || inUse.has(device.id))) return false
    return (claims[wish.claim]!.spec.devices?.constraints ?? []).every(({ matchAttribute, requests }) => {
      if (!matchAttribute || (requests?.length && !requests.includes(wish.request.name))) return true
      const value = attributeOf(device, matchAttribute)
      const other = chosen.find(
        c => c.wish.claim === wish.claim && (!requests?.length || requests.includes(c.wish.request.name)),
      )
      return value !== undefined && (!other || attributeOf(other.device, matchAttribute) === value)
    })
  }
  const next = (at: number): boolean => {
    const wish = wishes[at]
    if (!wish) return true
    // Wishes of one request are alike: later ones look behind earlier ones only.
    const before = chosen.at(-1)
    const same = before?.wish.request === wish.request && before.wish.candidates === wish.candidates
    const from = same ? wish.candidates.indexOf(before.device) + 1 : 0
    for (let i = from; i < wish.candidates.length; i++) {
      const device = wish.candidates[i]!
      if (++steps > mostSteps) return false
      if (!fits(wish, device)) continue
      chosen.push({ wish, device })
      const mine = !wish.request.adminAccess
      if (mine) taken.add(device.id)
      if (next(at + 1)) return true
      chosen.pop()
      if (mine) taken.delete(device.id)
    }
    return false
  }
  return next(0) ? chosen : undefined
}

/** As comparable text; a name without domain is the driver's. */
function attributeOf({ device, driver }: PooledDevice, name: string): string | undefined {
  const attributes: NonNullable<Device['basic']>['attributes'] = device.basic?.attributes
  const short = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined
  const found = attributes?.[name] ?? (short === undefined ? undefined : attributes?.[short])
  return found && JSON.stringify([found.bool, found.int, found.string, found.version])
}

function resultOf(
  { spec }: ResourceClaim,
  index: number,
  classes: { get(name: string): DeviceClass | undefined },
  chosen: readonly { wish: Wish; device: PooledDevice }[],
  node: string,
): AllocationResult {
  const own = chosen.filter(c => c.wish.claim === index)
  const results: DeviceRequestAllocationResult[] = own.map(
    ({ wish: { request }, device: { driver, pool, device } }) => ({
      request: request.name,
      driver,
      pool,
      device: device.name,
      ...(request.adminAccess ? { adminAccess: true } : {}),
    }),
  )
  const fromClasses = (spec.devices?.requests ?? []).flatMap(({ name, deviceClassName }) =>
    (classes.get(deviceClassName)?.spec.config ?? []).map(c => ({ source: 'FromClass', requests: [name], ...c })),
  )
  const fromClaim = (spec.devices?.config ?? []).map(c => ({ source: 'FromClaim', ...c }))
  const config = [...fromClasses, ...fromClaim]
  const selector = reach(
    own.map(c => c.device),
    node,
  )
  return {
    devices: { results, ...(config.length ? { config } : {}) },
    ...(selector ? { nodeSelector: selector } : {}),
  }
}

/** From where all of the devices can be used; undefined: from everywhere. */
function reach(devices: readonly PooledDevice[], node: string): NodeSelector | undefined {
  if (devices.some(d => d.slice.spec.nodeName))
    return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] }
  const terms = devices.flatMap(d => d.slice.spec.nodeSelector?.nodeSelectorTerms ?? [])
  if (!terms.length) return undefined
  const unique = new Map(terms.map(t => [JSON.stringify(t), t]))
  const matchExpressions = [...unique.values()].flatMap(t => t.matchExpressions ?? [])
  const matchFields = [...unique.values()].flatMap(t => t.matchFields ?? [])
  return {
    nodeSelectorTerms: [
      { ...(matchExpressions.length ? { matchExpressions } : {}), ...(matchFields.length ? { matchFields } : {}) },
    ],
  }
}
