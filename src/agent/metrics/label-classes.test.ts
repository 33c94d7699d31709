import { expect, it } from 'vitest'
import { rejectionReason, sizeClass } from './label-classes.ts'

it.each([
  ['OutOfcpu', 'OutOfcpu'],
  ['OutOfexample.com/gpu', 'OutOfExtendedResources'],
  ['TopologyAffinityError', 'TopologyAffinityError'],
  ['NodePorts', 'Other'],
])('a pod refused for %s counts as %s', (reason, counted) => expect(rejectionReason(reason)).toBe(counted))

it.each([
  [0, 'N/A'],
  [1, '0-10MB'],
  [10 * 2 ** 20, '0-10MB'],
  [10 * 2 ** 20 + 1, '10MB-100MB'],
  [700 * 2 ** 20, '500MB-1GB'],
  [3 * 2 ** 30, '1GB-5GB'],
  [2 ** 40, 'GT100GB'],
])('an image of %d bytes counts as %s', (bytes, counted) => expect(sizeClass(bytes)).toBe(counted))
