import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import { selects } from './device-expression.ts'
import type { DevicesInUse } from './device-uses.ts'
import type { PooledDevice, Reach } from './pools.ts'

type Classes = { get(name: string): DeviceClass | undefined }

/** Those of what a node reaches that are meant, and how many of them were free the last time. */
interface Meant {
  devices: readonly PooledDevice[]
  /** The only pool there is: then its state tells whether the count still holds. */
  pool: string | undefined
  state: number | undefined
  free: number
}

/** What is reached lasts as long as the slices that it is read from. */
type Known = WeakMap<Reach, Meant | Unclear>
type Unclear = 'unclear'

const mostSelections = 256
/** By the expressions, one in a line each. */
const known = new Map<string, Known>()

/** All expressions that a device must answer with true to be one for the request. */
export function expressionsOf(request: DeviceRequest, classes: Classes): string[] {
  const selectors = [...(classes.get(request.deviceClassName)?.spec.selectors ?? []), ...(request.selectors ?? [])]
  return selectors.flatMap(({ cel }) => (cel ? [cel.expression] : []))
}

/** Claims that can be answered by counting: one request in all, for so many devices that need not match each other. */
export interface Countable {
  count: number
  admin: boolean
  expressions: readonly string[]
  known: Known
}

/** @returns undefined where it takes a search, or more is to be said about the claims */
export function countable(claims: readonly ResourceClaim[], classes: Classes, most: number): Countable | undefined {
  const spec = claims.length === 1 ? claims[0]!.spec.devices : undefined
  const request = spec?.requests?.length === 1 && !spec.constraints?.length ? spec.requests[0]! : undefined
  const { allocationMode = 'ExactCount', count = 1, selectors = [] } = request ?? {}
  if (!request || allocationMode !== 'ExactCount' || count > most || selectors.some(s => !s.cel)) return undefined
  const expressions = expressionsOf(request, classes)
  return { count, admin: request.adminAccess === true, expressions, known: knownBy(expressions) }
}

function knownBy(expressions: readonly string[]): Known {
  const key = expressions.join('\n')
  let lists = known.get(key)
  if (!lists) {
    if (known.size >= mostSelections) known.clear()
    known.set(key, (lists = new WeakMap()))
  }
  return lists
}

/** Whether the node reaches enough devices. Undefined where one of them, whoever has it, takes a closer look. */
export function enoughDevices(asked: Countable, reach: Reach, inUse: DevicesInUse): boolean | undefined {
  let meant = asked.known.get(reach)
  if (!meant) asked.known.set(reach, (meant = select(reach, asked.expressions)))
  if (meant === 'unclear') return undefined
  return (asked.admin ? meant.devices.length : freeOf(meant, inUse)) >= asked.count
}

function freeOf(meant: Meant, inUse: DevicesInUse): number {
  const state = meant.pool === undefined ? undefined : inUse.stateOf?.(meant.pool)
  if (state !== undefined && state === meant.state) return meant.free
  let free = 0
  for (const { id } of meant.devices) if (!inUse.has(id)) free++
  meant.state = state
  meant.free = free
  return free
}

function select({ devices, pools }: Reach, expressions: readonly string[]): Meant | Unclear {
  if (pools.some(p => p.invalid)) return 'unclear'
  const meant: PooledDevice[] = []
  for (const one of devices) {
    let all = true
    for (const expression of expressions) {
      const answer = selects(expression, one.device, one.driver)
      if (typeof answer === 'string') return 'unclear'
      all &&= answer
    }
    if (all) meant.push(one)
  }
  return { devices: meant, pool: pools.length === 1 ? pools[0]!.id : undefined, state: undefined, free: 0 }
}
