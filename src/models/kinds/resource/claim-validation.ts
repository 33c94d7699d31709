import { isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, invalid, notSupported, required } from '../../field-error.ts'
import type { DeviceRequest, ResourceClaimSpec } from '../../types/resource-v1beta1.ts'
import { checkName, texts } from '../checks.ts'
import {
  checkAttributeName,
  checkDeviceConfiguration,
  checkRequestName,
  checkSelectors,
  checkSet,
} from './device-checks.ts'

export const mostRequests = 32
/** Of constraints, of selectors, of configurations. */
const most = 32

export const requestNames = (spec: ResourceClaimSpec | undefined): ReadonlySet<string> =>
  new Set(spec?.devices?.requests?.map(request => request.name))

/** What a claim asks for: named once each, of a class, and a number that fits how it is counted. */
/** @param stored expressions are there already: an update cannot change them */
export function checkClaimRequests(field: string, spec: ResourceClaimSpec | undefined, stored: boolean): FieldError[] {
  const { requests, constraints, config } = spec?.devices ?? {}
  const at = `${field}.devices`
  const names = requestNames(spec)
  const references = (own: string, list: readonly string[] | undefined) =>
    checkSet(`${own}.requests`, list, {
      most: mostRequests,
      check: (name, place) => checkRequestName(place, name, names),
      key: name => name,
    })
  return [
    ...checkSet(`${at}.requests`, requests, {
      most: mostRequests,
      check: (request, own) => checkRequest(request, own, stored),
      key: request => request.name,
      named: '.name',
    }),
    ...checkSet(`${at}.constraints`, constraints, {
      most,
      check: ({ requests: of, matchAttribute }, own) => [
        ...references(own, of),
        ...(matchAttribute === undefined
          ? [required(`${own}.matchAttribute`)]
          : checkAttributeName(`${own}.matchAttribute`, matchAttribute, { qualified: true })),
      ],
    }),
    ...checkSet(`${at}.config`, config, {
      most,
      check: (entry, own) => [...references(own, entry.requests), ...checkDeviceConfiguration(own, entry)],
    }),
  ]
}

function checkRequest(request: DeviceRequest, own: string, stored: boolean): FieldError[] {
  const { name = '', deviceClassName, selectors, allocationMode = '', count = 0 } = request
  const errors = [
    ...texts(`${own}.name`, name, isDns1123Label(name)),
    ...checkName(`${own}.deviceClassName`, deviceClassName, isDns1123Subdomain),
    ...checkSelectors(`${own}.selectors`, selectors, stored),
  ]
  if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${own}.count`, count, 'must be greater than zero'))
  } else if (allocationMode === 'All') {
    if (count) errors.push(invalid(`${own}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else errors.push(notSupported(`${own}.allocationMode`, allocationMode, ['All', 'ExactCount']))
  return errors
}
