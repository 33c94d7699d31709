import { expect, it } from 'vitest'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { admit } from './admission.ts'
import { podsToPreempt } from './preemption.ts'

type Quantities = Record<string, string>
const pod = (name: string, resources: { requests?: Quantities; limits?: Quantities } = {}, priority = 0): Pod =>
  ({
    metadata: { name, uid: name },
    spec: { priority, containers: [{ name: 'main', resources } as Container] },
  }) as unknown as Pod
const guaranteed = (name: string, cpu: string) => {
  const all = { cpu, memory: '100Mi' }
  return pod(name, { requests: all, limits: all })
}
const burstable = (name: string, cpu: string, memory = '0') => pod(name, { requests: { cpu, memory } })
const critical = (name: string, cpu = '1', priority = 2_000_000_000) => pod(name, { requests: { cpu } }, priority)
const names = (pods: Pod[] | undefined) => pods?.map(({ metadata }) => metadata.name)
const milli = (cpu: number) => new Map([['cpu', cpu]])

const others = [
  pod('idle'),
  burstable('small', '200m'),
  burstable('middle', '500m'),
  burstable('large', '1'),
  guaranteed('sure', '1'),
  critical('equal'),
]

it.each<[string, [name: string, amount: number][], string[] | undefined]>([
  ['the one that comes nearest', [['cpu', 450]], ['middle']],
  ['few rather than many', [['cpu', 1400]], ['large', 'middle']],
  ['no Guaranteed one while the lesser do', [['cpu', 1700]], ['large', 'middle', 'small']],
  ['Guaranteed ones when it must be, and then no more of the lesser than needed', [['cpu', 1800]], ['large', 'sure']],
  ['any of the least, for room itself', [['pods', 1]], ['idle']],
  ['nobody when all of them are not enough', [['cpu', 2800]], undefined],
])('a critical pod has others end for it: %s', (_, shortage, wanted) => {
  expect(names(podsToPreempt(critical('new'), others, new Map(shortage)))).toEqual(wanted)
})

it('of two that come as near the smaller goes, and critical ones only for those that matter more', () => {
  const two = [burstable('wide', '1', '2Gi'), burstable('narrow', '1', '1Gi')]
  expect(names(podsToPreempt(critical('new'), two, milli(1000)))).toEqual(['narrow'])
  const equal = [critical('equal')]
  expect(names(podsToPreempt(critical('new'), equal, milli(500)))).toBeUndefined()
  expect(names(podsToPreempt(critical('new', '1', 2_000_001_000), equal, milli(500)))).toEqual(['equal'])
})

it('what no node knows is not asked of this one; what is missing is told whole', () => {
  const node = { name: 'n', labels: {}, allocatable: { cpu: '1', memory: '1Gi', pods: '1' } }
  const wish = pod('p', { requests: { cpu: '1500m', memory: '2Gi', 'licence.example.com/seat': '1' } })
  expect(admit(wish, [], { ...node, allocatable: { cpu: '2', memory: '4Gi', pods: '1' } })).toBeUndefined()
  const refused = admit(wish, [burstable('other', '500m')], node)
  expect([refused?.reason, [...refused!.shortage!]]).toEqual([
    'OutOfpods',
    [
      ['pods', 1],
      ['cpu', 1000],
      ['memory', 2 ** 30],
    ],
  ])
})
