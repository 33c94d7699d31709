import { isDns1123Label, isQualifiedName } from '../../../base/names.ts'
import { compareQuantities, isWholeQuantity, parseQuantity } from '../../../base/quantity.ts'
import { duplicate, type FieldError, forbidden, GoText, invalid, required } from '../../field-error.ts'
import type { Quantity } from '../../scalars.ts'
import type { PodResourceClaim, ResourceClaim, ResourceRequirements } from '../../types/core-v1.ts'
import { negativeText, texts } from '../checks.ts'

type List = Record<string, Quantity>

const hugePages = (name: string) => name.startsWith('hugepages-')
const isStandardForContainers = (name: string) =>
  ['cpu', 'memory', 'ephemeral-storage'].includes(name) || hugePages(name)
const standard = new Set(
  'cpu memory ephemeral-storage storage requests.cpu requests.memory requests.ephemeral-storage requests.storage limits.cpu limits.memory limits.ephemeral-storage pods resourcequotas services replicationcontrollers secrets configmaps persistentvolumeclaims services.nodeports services.loadbalancers'.split(
    ' ',
  ),
)
const isStandard = (name: string) => standard.has(name) || hugePages(name) || name.startsWith('requests.hugepages-')
/** Without a domain, or of Kubernetes' own. */
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/')
/** Counted in whole ones, such as devices, and `count/jobs.batch` of a quota. */
export const isExtended = (name: string) =>
  !isNative(name) && !name.startsWith('requests.') && !isQualifiedName(`requests.${name}`).length
/** May a pod be promised less than it may take? */
const isOvercommittable = (name: string) => isNative(name) && !hugePages(name)

/** Names of resources are a type of their own in Go, which is shown without quotes. */
export const shownName = (name: string): GoText => new GoText(name)

/** Any resource's name, as in quotas. */
export function checkResourceName(field: string, name: string): FieldError[] {
  const errors = texts(field, shownName(name), isQualifiedName(name))
  if (!errors.length && !name.includes('/') && !isStandard(name))
    errors.push(invalid(field, shownName(name), 'must be a standard resource type or fully qualified'))
  return errors
}

/** The name of a resource that a container may have, or a limit of those of containers. */
export function checkContainerResourceName(field: string, name: string): FieldError[] {
  const errors = checkResourceName(field, name)
  if (!name.includes('/')) {
    if (!isStandardForContainers(name))
      errors.push(invalid(field, shownName(name), 'must be a standard resource for containers'))
  } else if (!isNative(name) && !isExtended(name))
    errors.push(invalid(field, shownName(name), "doesn't follow extended resource name standard"))
  return errors
}

/** Not negative, and whole where only whole ones exist. */
export function checkAmount(field: string, name: string, quantity: Quantity): FieldError[] {
  const { nano } = parseQuantity(quantity)
  if (nano < 0n) return [invalid(field, quantity, negativeText)]
  const whole = isExtended(name) || hugePages(name)
  return whole && !isWholeQuantity(quantity) ? [invalid(field, quantity, 'must be an integer')] : []
}

/** Huge pages come whole: `5Mi` of `hugepages-2Mi` is none. */
function checkPages(field: string, name: string, quantity: Quantity): FieldError[] {
  if (!hugePages(name)) return []
  const size = pageBytes(name.slice('hugepages-'.length))
  const { nano } = parseQuantity(quantity)
  if (size === undefined || (nano > 0n && nano % size === 0n) || nano === 0n) return []
  return [invalid(field, quantity, `${quantity} is not positive integer multiple of ${name}`)]
}

function pageBytes(text: string): bigint | undefined {
  try {
    const { nano } = parseQuantity(text)
    return nano > 0n ? nano : undefined
  } catch {
    return undefined
  }
}

/**
 * What a container requests and is limited to.
 * @param podClaims the devices that the pod claims; a container names some of them
 */
export function checkResources(
  field: string,
  resources: ResourceRequirements | undefined,
  podClaims: PodResourceClaim[] = [],
): FieldError[] {
  if (!resources) return []
  const { limits = {}, requests = {}, claims } = resources
  const errors: FieldError[] = []
  const checkList = (list: List, at: string) => {
    for (const [name, quantity] of Object.entries(list))
      errors.push(
        ...checkContainerResourceName(`${at}[${name}]`, name),
        ...checkAmount(`${at}[${name}]`, name, quantity),
        ...checkPages(`${at}[${name}]`, name, quantity),
      )
  }
  checkList(limits, `${field}.limits`)
  checkList(requests, `${field}.requests`)
  for (const [name, quantity] of Object.entries(requests))
    errors.push(...checkAgainstLimit(field, name, quantity, limits))
  const all = [...Object.keys(limits), ...Object.keys(requests)]
  if (all.some(hugePages) && !all.includes('cpu') && !all.includes('memory'))
    errors.push(forbidden(field, 'HugePages require cpu or memory'))
  if (claims) errors.push(...checkClaims(`${field}.claims`, claims, podClaims))
  return errors
}

function checkClaims(field: string, claims: ResourceClaim[], podClaims: PodResourceClaim[]): FieldError[] {
  const known = podClaims.map(c => c.name).sort()
  const seen = new Set<string>()
  return claims.flatMap(({ name, request }, i) => {
    const at = `${field}[${i}]`
    const errors: FieldError[] = []
    const key = request ? `${name}/${request}` : name
    if (!name) errors.push(required(at))
    else if (seen.has(name)) errors.push(duplicate(at, name))
    else {
      if (request) errors.push(...texts(`${at}.request`, request, isDns1123Label(request)))
      if (seen.has(key)) errors.push(duplicate(at, key))
      else if (!request && [...seen].some(s => s.startsWith(`${name}/`))) errors.push(duplicate(at, name))
      seen.add(key)
    }
    if (!known.includes(name)) {
      const which = known.length ? `: ${known.join(', ')}` : ' which is empty'
      const message = `Not found: ${JSON.stringify(name ?? '')}: must be one of the names in pod.spec.resourceClaims${which}`
      errors.push({ field: at, reason: 'FieldValueNotFound', message })
    }
    return errors
  })
}

function checkAgainstLimit(field: string, name: string, request: Quantity, limits: List): FieldError[] {
  const limit = limits[name]
  if (limit === undefined)
    return isOvercommittable(name)
      ? []
      : [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')]
  const difference = compareQuantities(request, limit)
  if (!isOvercommittable(name) && difference !== 0)
    return [invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`)]
  return difference > 0
    ? [invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)]
    : []
}
