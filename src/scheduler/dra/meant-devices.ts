import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import { selects } from './device-expression.ts'
import type { DevicesInUse } from './device-uses.ts'
import type { PooledDevice } from './pools.ts'

type Classes = { get(name: string): DeviceClass | undefined }

/** Lists of devices last as long as the slices that they are read from. */
type Known = WeakMap<readonly PooledDevice[], readonly PooledDevice[] | Unclear>
type Unclear = 'unclear'

const mostSelections = 256
/** By the expressions, one in a line each. */
const known = new Map<string, Known>()

/** All expressions that a device must answer with true to be one for the request. */
export function expressionsOf(request: DeviceRequest, classes: Classes): string[] {
  const selectors = [...(classes.get(request.deviceClassName)?.spec.selectors ?? []), ...(request.selectors ?? [])]
  return selectors.flatMap(({ cel }) => (cel ? [cel.expression] : []))
}

/**
 * Those of a node's devices that the expressions mean, in order: asked once for as long as the list is the same one.
 * @returns 'unclear' if one cannot be evaluated for one of them, whoever has that one
 */
function meantAmong(devices: readonly PooledDevice[], expressions: readonly string[]) {
  if (!expressions.length) return devices
  const key = expressions.join('\n')
  let lists = known.get(key)
  if (!lists) {
    if (known.size >= mostSelections) known.clear()
    known.set(key, (lists = new WeakMap()))
  }
  let meant = lists.get(devices)
  if (!meant) lists.set(devices, (meant = select(devices, expressions)))
  return meant
}

function select(devices: readonly PooledDevice[], expressions: readonly string[]): PooledDevice[] | Unclear {
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
  return meant
}

/**
 * Whether there are devices for the claims, where that is a matter of counting: one request in all, for so many devices that
 * need not match each other. Undefined where it takes a search.
 */
export function enoughDevices(
  claims: readonly ResourceClaim[],
  classes: Classes,
  devices: readonly PooledDevice[],
  inUse: DevicesInUse,
  most: number,
): boolean | undefined {
  const spec = claims.length === 1 ? claims[0]!.spec.devices : undefined
  const request = spec?.requests?.length === 1 && !spec.constraints?.length ? spec.requests[0]! : undefined
  const count = request?.count ?? 1
  if (!request || request.allocationMode === 'All' || count > most) return undefined
  const meant = meantAmong(devices, expressionsOf(request, classes))
  if (meant === 'unclear') return undefined
  let free = 0
  for (const { id } of meant) {
    if (request.adminAccess || !inUse.has(id)) free++
    if (free >= count) return true
  }
  return false
}
