import { keyOf, keyText } from '../../models/object.ts'
import type {
  AllocationResult,
  Device,
  DeviceClass,
  DeviceRequest,
  ResourceClaim,
} from '../../models/types/resource-v1beta1.ts'
import { allocationResult } from './allocation-result.ts'
import { selects } from './device-expression.ts'
import { type DevicesInUse, poolId } from './device-uses.ts'
import { type Countable, countable, enoughDevices, expressionsOf } from './meant-devices.ts'
import type { PooledDevice, Reach } from './pools.ts'

/** As many as one claim may have. */
const mostDevices = 32
const nothingLeft = 'cannot allocate all claims'
/** Steps of the search, after which it is given up: the node counts as unfit. */
const mostSteps = 20_000

type Classes = { get(name: string): DeviceClass | undefined }

/** One device that is wanted. */
interface Wish {
  claim: number
  request: DeviceRequest
  expressions: readonly string[]
  /** In the order in which they are tried: all that there are, or the one that `All` means here. */
  candidates: readonly PooledDevice[]
}

/** Something is wrong with claim, class or pool that no other choice of devices would mend. */
class Unusable extends Error {}

/** Claims that are to have their devices together. */
export class Wanted {
  readonly claims: readonly ResourceClaim[]
  readonly #classes: Classes
  readonly #countable: Countable | undefined

  constructor(claims: readonly ResourceClaim[], classes: Classes) {
    this.claims = claims
    this.#classes = classes
    this.#countable = countable(claims, classes, mostDevices)
  }

  /** Why there are no devices for all claims, if there are none: what `allocate` would say, and mostly sooner. */
  whyNone(reach: Reach, inUse: DevicesInUse, node: string): string | undefined {
    const enough = this.#countable && enoughDevices(this.#countable, reach, inUse)
    if (enough !== undefined) return enough ? undefined : nothingLeft
    const found = this.allocate(reach, inUse, node)
    return typeof found === 'string' ? found : undefined
  }

  /**
   * Devices for all claims at once, so that none of them takes the last one that another needs: exact search within bounds.
   * @param reach what the node reaches
   * @param inUse those that somebody has
   * @returns one allocation for each claim, or why there is none
   */
  allocate(reach: Reach, inUse: DevicesInUse, node: string): AllocationResult[] | string {
    try {
      const wishes = this.claims.flatMap((claim, i) => wishesOf(claim, i, this.#classes, reach))
      const chosen = new Search(this.claims, wishes, reach, inUse).run()
      return this.claims.map((claim, i) => {
        const given = chosen.filter(c => c.wish.claim === i).map(c => ({ request: c.wish.request, device: c.device }))
        return allocationResult(claim, this.#classes, given, node)
      })
    } catch (error) {
      if (error instanceof Unusable) return error.message
      throw error
    }
  }
}

const nameOf = (claim: ResourceClaim) => keyText(keyOf(claim))

function wishesOf(claim: ResourceClaim, index: number, classes: Classes, reach: Reach): Wish[] {
  const { constraints = [], ...devices } = claim.spec.devices ?? {}
  const requests = devices.requests ?? []
  const wishes: Wish[] = []
  let count = 0
  for (const request of requests) {
    const at = `claim ${nameOf(claim)}, request ${request.name}`
    const unknown = request.selectors?.findIndex(s => !s.cel) ?? -1
    if (unknown >= 0)
      throw new Unusable(`${at}, selector #${unknown}: CEL expression empty (unsupported selector type?)`)
    const wish = { claim: index, request, expressions: expressionsOf(request, classes) }
    const mode = request.allocationMode ?? 'ExactCount'
    if (mode === 'All') {
      const all = allOf(wish, at, reach)
      count += all.length
      for (const device of all) wishes.push({ ...wish, candidates: [device] })
    } else if (mode === 'ExactCount') {
      count += request.count ?? 1
      for (let i = 0; i < (request.count ?? 1) && i <= mostDevices; i++)
        wishes.push({ ...wish, candidates: reach.devices })
    } else throw new Unusable(`${at}: unsupported count mode ${mode}`)
  }
  if (count > mostDevices)
    throw new Unusable(
      `claim ${nameOf(claim)}: number of requested devices ${count} exceeds the claim limit of ${mostDevices}`,
    )
  const empty = constraints.findIndex(c => !c.matchAttribute)
  if (empty >= 0)
    throw new Unusable(`claim ${nameOf(claim)}, constraint #${empty}: empty constraint (unsupported constraint type?)`)
  return wishes
}

/** Every one of them, or none: also where somebody has one already, or it is not known how many there are. */
function allOf({ expressions }: Pick<Wish, 'expressions'>, at: string, { devices, pools }: Reach): PooledDevice[] {
  for (const { id, incomplete, invalid } of pools)
    if (incomplete || invalid)
      throw new Unusable(
        `${at}: asks for all devices, but resource pool ${id} is currently ${incomplete ? 'being updated' : 'invalid'}`,
      )
  const all = devices.filter(device => matches(expressions, device, at))
  if (!all.length) throw new Unusable(nothingLeft)
  return all
}

function matches(expressions: readonly string[], { device, driver }: PooledDevice, at: string): boolean {
  for (const expression of expressions) {
    const answer = selects(expression, device, driver)
    if (typeof answer === 'string') throw new Unusable(`${at}: ${answer}`)
    if (!answer) return false
  }
  return true
}

interface Chosen {
  wish: Wish
  device: PooledDevice
}

/** The devices are tried in their order; only those that nobody has are asked whether they are meant. */
class Search {
  readonly #claims: readonly ResourceClaim[]
  readonly #wishes: readonly Wish[]
  readonly #invalid: Reach['pools']
  readonly #inUse: DevicesInUse
  readonly #chosen: Chosen[] = []
  readonly #taken = new Set<string>()
  #steps = 0
  /** What `All` could not have for a constraint. */
  #hindered: string | undefined

  constructor(claims: readonly ResourceClaim[], wishes: readonly Wish[], reach: Reach, inUse: DevicesInUse) {
    this.#claims = claims
    this.#wishes = wishes
    this.#invalid = reach.pools.filter(p => p.invalid)
    this.#inUse = inUse
  }

  /** @throws Unusable if there is no way, or none was found within bounds */
  run(): readonly Chosen[] {
    if (!this.#from(0)) throw new Unusable(this.#hindered ?? nothingLeft)
    return this.#chosen
  }

  #from(at: number): boolean {
    const wish = this.#wishes[at]
    if (!wish) return true
    // Wishes of one request are alike: later ones look behind earlier ones only.
    const before = this.#chosen.at(-1)
    const same = before?.wish.request === wish.request && before.wish.candidates === wish.candidates
    const from = same ? wish.candidates.indexOf(before.device) + 1 : 0
    for (let i = from; i < wish.candidates.length; i++) {
      const device = wish.candidates[i]!
      if (!this.#isFree(wish, device) || !this.#isMeant(wish, device)) continue
      if (++this.#steps > mostSteps) return false
      if (!this.#agrees(wish, device)) continue
      this.#chosen.push({ wish, device })
      const mine = !wish.request.adminAccess
      if (mine) this.#taken.add(device.id)
      if (this.#from(at + 1)) return true
      this.#chosen.pop()
      if (mine) this.#taken.delete(device.id)
    }
    return false
  }

  #isFree({ request }: Wish, { id }: PooledDevice): boolean {
    return request.adminAccess === true || !(this.#inUse.has(id) || this.#taken.has(id))
  }

  #isMeant({ claim, request, expressions }: Wish, device: PooledDevice): boolean {
    // Of `All` that was asked before.
    if (request.allocationMode === 'All') return true
    const at = `claim ${nameOf(this.#claims[claim]!)}, request ${request.name}`
    if (!matches(expressions, device, at)) return false
    const pool = this.#invalid.find(p => p.id === poolId(device))
    if (pool) throw new Unusable(`pool ${pool.name} is invalid: ${pool.invalid}`)
    return true
  }

  #agrees({ claim, request }: Wish, device: PooledDevice): boolean {
    const { constraints = [] } = this.#claims[claim]!.spec.devices ?? {}
    const agrees = constraints.every(({ matchAttribute, requests }) => {
      if (!matchAttribute || (requests?.length && !requests.includes(request.name))) return true
      const value = attributeOf(device, matchAttribute)
      const other = this.#chosen.find(
        c => c.wish.claim === claim && (!requests?.length || requests.includes(c.wish.request.name)),
      )
      return value !== undefined && (!other || attributeOf(other.device, matchAttribute) === value)
    })
    if (!agrees && request.allocationMode === 'All')
      this.#hindered ??= `claim ${nameOf(this.#claims[claim]!)}, request ${request.name}: cannot add device ${device.id} because a claim constraint would not be satisfied`
    return agrees
  }
}

/** As comparable text; a name without domain is the driver's. */
function attributeOf({ device, driver }: PooledDevice, name: string): string | undefined {
  const attributes: NonNullable<Device['basic']>['attributes'] = device.basic?.attributes
  const short = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined
  const found = attributes?.[name] ?? (short === undefined ? undefined : attributes?.[short])
  return found && JSON.stringify([found.bool, found.int, found.string, found.version])
}
