import { expect, it } from 'vitest'
import { parseThresholds } from '../eviction/thresholds.ts'
import { allocatable, allocatableToPods, evictionReservation, keptFromPods, ReservedTooMuch } from './reservation.ts'

const capacity = { cpu: '2', memory: '8151592Ki', 'ephemeral-storage': '83873772Ki', pods: '110' }

it('pods may request what is neither reserved nor below a hard eviction threshold', () => {
  // As a kubelet says of such a machine.
  const reserved = { 'ephemeral-storage': '1Gi' }
  expect(allocatableToPods(capacity, keptFromPods({ reserved }, capacity))).toEqual({
    cpu: '2',
    memory: '8049192Ki',
    'ephemeral-storage': '76224326324',
    pods: '110',
  })
  expect(allocatableToPods(capacity, keptFromPods({}, capacity))).toMatchObject({ cpu: '1900m', memory: '7787048Ki' })
})

it('soft thresholds and those of images, inodes and processes keep nothing', () => {
  const thresholds = parseThresholds({
    hard: 'imagefs.available<15%,nodefs.inodesFree<5%,pid.available<5%',
    soft: 'memory.available<1Gi,nodefs.available<20%',
    softGracePeriod: 'memory.available=1m,nodefs.available=1m',
  })
  expect(evictionReservation(thresholds, capacity)).toEqual({})
  expect(evictionReservation(parseThresholds({}), { cpu: '2' })).toEqual({})
})

it('huge pages are no memory that pods may request, though the group of all pods has it', () => {
  const huge = { memory: '4Gi', 'hugepages-2Mi': '512Mi', 'hugepages-1Gi': '1Gi' }
  expect(allocatableToPods(huge, { memory: '512Mi' })).toEqual({ ...huge, memory: '2Gi' })
  expect(allocatable(huge, { memory: '512Mi' })).toEqual({ ...huge, memory: '3584Mi' })
})

it('nothing is less than nothing', () => {
  expect(allocatableToPods({ memory: '1Gi', 'hugepages-1Gi': '1Gi' }, { memory: '2Gi' })).toEqual({
    memory: '0',
    'hugepages-1Gi': '1Gi',
  })
})

it.each([
  [
    'cpu',
    { reserved: { cpu: '1500m' }, kubeReserved: { cpu: '1' } },
    '2500m of cpu is kept from pods (1500m by --system-reserved, 1 by --kube-reserved), and this machine has 2',
  ],
  [
    'memory and its threshold',
    { reserved: { memory: '7960Mi' } },
    '8060Mi of memory is kept from pods (7960Mi by --system-reserved, 100Mi by --eviction-hard), and this machine has 8151592Ki',
  ],
])('more than the machine has is refused: %s', (_, options, message) => {
  expect(() => keptFromPods(options, capacity)).toThrow(ReservedTooMuch)
  expect(() => keptFromPods(options, capacity)).toThrow(message)
})

it('all that the machine has may be kept, and what it has not is no matter', () => {
  expect(keptFromPods({ reserved: { cpu: '2', pid: '1000' } }, capacity)).toMatchObject({ cpu: '2', pid: '1000' })
})
