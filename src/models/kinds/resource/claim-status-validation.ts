import { isDns1123Label } from '../../../base/names.ts'
import { type FieldError, forbidden, notSupported, required } from '../../field-error.ts'
import type { AllocationResult, ResourceClaim } from '../../types/resource-v1beta1.ts'
import { checkImmutable, texts } from '../checks.ts'
import { checkNodeSelector } from '../core/scheduling-validation.ts'
import { checkDriverName } from '../storage/storage-checks.ts'
import { mostRequests, requestNames } from './claim-validation.ts'
import { checkDeviceConfiguration, checkPoolName, checkRequestName, checkSet } from './device-checks.ts'

const mostUsers = 256
/** Of the class and of the claim. */
const mostConfigurations = 64

/** Who uses a claim, and what it was given: that is never changed, only given back. */
export function checkClaimStatus({ spec, status }: ResourceClaim, previous: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [] } = status ?? {}
  const errors = checkSet('status.reservedFor', reservedFor, {
    most: mostUsers,
    check: (user, at) => (['resource', 'name', 'uid'] as const).flatMap(f => (user[f] ? [] : [required(`${at}.${f}`)])),
    key: user => user.uid,
    named: '.uid',
  })
  if (reservedFor.length && !allocation)
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
  if (!allocation) return errors
  const old = previous.status?.allocation
  if (old) return [...errors, ...checkImmutable('status.allocation', allocation, old)]
  return [...errors, ...checkAllocation('status.allocation', allocation, requestNames(spec))]
}

function checkAllocation(
  at: string,
  { devices, nodeSelector }: AllocationResult,
  requests: ReadonlySet<string>,
): FieldError[] {
  return [
    ...checkSet(`${at}.devices.results`, devices?.results, {
      most: mostRequests,
      check: ({ request = '', driver, pool, device = '' }, own) => [
        ...checkRequestName(`${own}.request`, request, requests),
        ...checkDriverName(`${own}.driver`, driver),
        ...checkPoolName(`${own}.pool`, pool),
        ...texts(`${own}.device`, device, isDns1123Label(device)),
      ],
    }),
    ...checkSet(`${at}.devices.config`, devices?.config, {
      most: mostConfigurations,
      check: (entry, own) => [
        ...checkSource(`${own}.source`, entry.source),
        ...checkSet(`${own}.requests`, entry.requests, {
          most: mostRequests,
          check: (name, place) => checkRequestName(place, name, requests),
          key: name => name,
        }),
        ...checkDeviceConfiguration(own, entry),
      ],
    }),
    ...(nodeSelector ? checkNodeSelector(`${at}.nodeSelector`, nodeSelector) : []),
  ]
}

function checkSource(at: string, source: string | undefined): FieldError[] {
  if (!source) return [required(at)]
  return source === 'FromClaim' || source === 'FromClass' ? [] : [notSupported(at, source, ['FromClaim', 'FromClass'])]
}
