import { byteLength, isDns1123Label, isDns1123Subdomain } from '../../../base/names.ts'
import { CelSemver } from '../../cel/index.ts'
import { type FieldError, invalid, required, tooLong } from '../../field-error.ts'
import type { Device, DeviceAttribute, ResourceSliceSpec } from '../../types/resource-v1beta1.ts'
import { checkImmutable, texts } from '../checks.ts'
import { checkNodeSelector } from '../core/scheduling-validation.ts'
import { checkDriverName } from '../storage/storage-checks.ts'
import { checkAttributeName, checkPoolName, checkSet } from './device-checks.ts'

const mostDevices = 128
const mostAttributes = 32
/** Of a text or version, in bytes. */
const longestValue = 64

/** Devices of one driver and pool, and the nodes that have them. */
export function checkSlice(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): FieldError[] {
  const { pool, nodeName, nodeSelector, allNodes } = spec
  const { resourceSliceCount: count = 0, generation = 0 } = pool
  const errors = [...checkDriverName('spec.driver', spec.driver), ...checkPoolName('spec.pool.name', pool.name)]
  if (count <= 0) errors.push(invalid('spec.pool.resourceSliceCount', count, 'must be greater than zero'))
  if (generation < 0) errors.push(invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  if (old)
    errors.push(
      ...checkImmutable('spec.pool.name', pool.name, old.pool.name),
      ...checkImmutable('spec.driver', spec.driver, old.driver),
      ...checkImmutable('spec.nodeName', nodeName, old.nodeName),
    )
  if (nodeName) errors.push(...texts('spec.nodeName', nodeName, isDns1123Subdomain(nodeName)))
  if (nodeSelector) {
    const terms = nodeSelector.nodeSelectorTerms ?? []
    errors.push(...checkNodeSelector('spec.nodeSelector', nodeSelector))
    if (terms.length !== 1)
      errors.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'))
  }
  const where = [nodeName, nodeSelector, allNodes].filter(Boolean).length
  const oneOf = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required'
  if (where === 0) errors.push(required('spec', oneOf))
  if (where > 1) errors.push(invalid('spec', null, oneOf))
  const devices = { most: mostDevices, check: checkDevice, key: (device: Device) => device.name, named: '.name' }
  return [...errors, ...checkSet('spec.devices', spec.devices, devices)]
}

function checkDevice({ name = '', basic }: Device, at: string): FieldError[] {
  const errors = texts(`${at}.name`, name, isDns1123Label(name))
  if (!basic) return [...errors, required(`${at}.basic`)]
  const { attributes = {}, capacity = {} } = basic
  for (const [key, value] of Object.entries(attributes)) {
    const own = `${at}.basic.attributes[${key}]`
    errors.push(...checkAttributeName(own, key, { qualified: false }))
    errors.push(...checkAttribute(own, value))
  }
  for (const key of Object.keys(capacity))
    errors.push(...checkAttributeName(`${at}.basic.capacity[${key}]`, key, { qualified: false }))
  const all = Object.keys(attributes).length + Object.keys(capacity).length
  const tooManyText = `the total number of attributes and capacities must not exceed ${mostAttributes}`
  if (all > mostAttributes) errors.push(invalid(`${at}.basic`, all, tooManyText))
  return errors
}

function checkAttribute(at: string, value: DeviceAttribute): FieldError[] {
  const { string: text, version } = value
  const errors: FieldError[] = []
  if (text !== undefined && byteLength(text) > longestValue) errors.push(tooLong(`${at}.string`, longestValue))
  if (version !== undefined) {
    if (!CelSemver.parse(version))
      errors.push(invalid(`${at}.version`, version, 'must be a string compatible with semver.org spec 2.0.0'))
    if (byteLength(version) > longestValue) errors.push(tooLong(`${at}.version`, longestValue))
  }
  const said = Object.values(value).filter(one => one !== undefined && one !== null).length
  if (said === 0) errors.push(required(at, 'exactly one value must be specified'))
  if (said > 1) errors.push(invalid(at, value, 'exactly one value must be specified'))
  return errors
}
