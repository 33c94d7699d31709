import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, type FieldError, invalid, tooMany } from '../../field-error.ts'
import type { ResourceClaimSpec } from '../../types/resource-v1beta1.ts'
import { checkName } from '../checks.ts'

const mostRequests = 32

/** What a claim asks for: named once each, of a class, and a number that fits how it is counted. */
export function checkClaimRequests(field: string, spec: ResourceClaimSpec | undefined): FieldError[] {
  const requests = spec?.devices?.requests ?? []
  const at = `${field}.devices.requests`
  const seen = new Set<string>()
  return [
    ...(requests.length > mostRequests ? [tooMany(at, requests.length, mostRequests)] : []),
    ...requests.flatMap(({ name, deviceClassName, allocationMode, count = 0 }, i) => {
      const own = `${at}[${i}]`
      const errors = [
        ...checkName(`${own}.name`, name, isDns1123Label),
        ...checkName(`${own}.deviceClassName`, deviceClassName, isDns1123Subdomain),
      ]
      if (seen.has(name)) errors.push(duplicate(`${own}.name`, name))
      seen.add(name)
      if (allocationMode === 'ExactCount' && count <= 0)
        errors.push(invalid(`${own}.count`, count, 'must be greater than zero'))
      if (allocationMode === 'All' && count)
        errors.push(invalid(`${own}.count`, count, "must not be specified when allocationMode is 'All'"))
      return errors
    }),
  ]
}
