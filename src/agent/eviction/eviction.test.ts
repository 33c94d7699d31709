import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../models/types/core-v1.ts'
import { admit } from '../pod/admission.ts'
import { isCritical } from '../pod/critical.ts'
import { localLimitProblem } from './own-limits.ts'
import { assess, noPressure, type Observations, type PressureMemory } from './pressure.ts'
import { evictionMessage, type PodUse, rank } from './ranking.ts'
import { defaultHard, parseThresholds, type Signal, withAllocatable } from './thresholds.ts'

const seen = (numbers: Partial<Record<Signal, [available: number, capacity: number]>>): Observations =>
  new Map(Object.entries(numbers).map(([s, [available, capacity]]) => [s as Signal, { available, capacity }]))
const pod = (name: string, spec: Partial<PodSpec> = {}, annotations = {}): Pod =>
  ({
    metadata: { name, namespace: 'a', uid: name, annotations },
    spec: { containers: [{ name: 'main' }], ...spec },
  }) as unknown as Pod
const asks = (resources: Container['resources']) => ({ containers: [{ name: 'main', resources }] }) as Partial<PodSpec>

describe('thresholds', () => {
  it('are read as kubelet takes them', () => {
    expect(
      parseThresholds({
        hard: 'memory.available<100Mi',
        soft: 'nodefs.available<15%',
        softGracePeriod: 'nodefs.available=1m30s',
        minimumReclaim: 'memory.available=50Mi',
      }),
    ).toEqual([
      {
        signal: 'memory.available',
        below: { units: 104_857_600, text: '100Mi' },
        hard: true,
        graceMs: 0,
        minReclaim: { units: 52_428_800, text: '50Mi' },
      },
      {
        signal: 'nodefs.available',
        below: { share: 0.15 },
        hard: false,
        graceMs: 90_000,
        minReclaim: { units: 0, text: '0' },
      },
    ])
    expect(parseThresholds({}).map(t => t.signal)).toEqual(defaultHard.split(',').map(t => t.split('<')[0]))
  })

  it.each([
    [{ hard: 'memory<1' }, /"memory<1" is not SIGNAL<VALUE/],
    [{ hard: 'memory.available<lots' }, /"lots" is neither a quantity nor a percentage/],
    [{ hard: 'memory.available<101%' }, /neither a quantity nor a percentage/],
    [{ soft: 'memory.available<1Gi' }, /memory.available has no grace period/],
  ])('that cannot be understood are named: %j', (settings, message) => {
    expect(() => parseThresholds(settings)).toThrow(message)
  })
})

describe('pressure', () => {
  const story = (settings: Parameters<typeof parseThresholds>[0], looks: [atMs: number, availableMi: number][]) => {
    const thresholds = parseThresholds(settings)
    let memory: PressureMemory = noPressure
    return looks.map(([atMs, availableMi]) => {
      const result = assess(
        memory,
        thresholds,
        seen({ 'memory.available': [availableMi * 2 ** 20, 2 ** 34] }),
        atMs,
        5_000,
      )
      memory = result.memory
      return `${result.conditions.join() || '-'} ${result.due.length ? 'act' : '-'}`
    })
  }

  it('by a hard threshold calls for action at once, and shows for a while afterwards', () => {
    const hard = 'memory.available<100Mi'
    expect(
      story({ hard }, [
        [0, 200],
        [1_000, 99],
        [2_000, 101],
        [5_999, 101],
        [6_000, 101],
      ]),
    ).toEqual(['- -', 'MemoryPressure act', 'MemoryPressure -', 'MemoryPressure -', '- -'])
  })

  it('by a soft threshold calls for action only when it lasts', () => {
    const settings = {
      hard: 'pid.available<1%',
      soft: 'memory.available<100Mi',
      softGracePeriod: 'memory.available=3s',
    }
    expect(
      story(settings, [
        [0, 99],
        [2_999, 99],
        [3_000, 99],
        [3_500, 101],
        [4_000, 99],
        [7_000, 99],
      ]),
    ).toEqual([
      'MemoryPressure -',
      'MemoryPressure -',
      'MemoryPressure act',
      'MemoryPressure -',
      'MemoryPressure -',
      'MemoryPressure act',
    ])
  })

  it('is over only when as much is free as was to be reclaimed', () => {
    const settings = { hard: 'memory.available<100Mi', minimumReclaim: 'memory.available=50Mi' }
    expect(
      story(settings, [
        [0, 120],
        [1, 99],
        [2, 149],
        [3, 150],
        [4, 120],
      ]),
    ).toEqual(['- -', 'MemoryPressure act', 'MemoryPressure act', 'MemoryPressure -', 'MemoryPressure -'])
  })

  it('of what pods may use together counts as pressure of memory, by hard thresholds only', () => {
    const settings = {
      hard: 'memory.available<100Mi',
      soft: 'memory.available<1Gi',
      softGracePeriod: 'memory.available=1m',
    }
    const thresholds = withAllocatable(parseThresholds(settings))
    expect(thresholds.map(({ signal, hard }) => `${signal} ${hard}`)).toEqual([
      'memory.available true',
      'memory.available false',
      'allocatableMemory.available true',
    ])
    const { due, conditions } = assess(
      noPressure,
      thresholds,
      seen({ 'memory.available': [2 ** 33, 2 ** 34], 'allocatableMemory.available': [2 ** 20, 2 ** 33] }),
      0,
      5_000,
    )
    expect(due.map(t => t.signal)).toEqual(['allocatableMemory.available'])
    expect(conditions).toEqual(['MemoryPressure'])
  })

  it('of memory is dealt with first, and what cannot be seen is nobody’s fault', () => {
    const thresholds = parseThresholds({ hard: 'nodefs.available<10%,memory.available<10%,pid.available<10%' })
    const { due, conditions } = assess(
      noPressure,
      thresholds,
      seen({ 'nodefs.available': [1, 100], 'memory.available': [1, 100] }),
      0,
      5_000,
    )
    expect(due.map(t => t.signal)).toEqual(['memory.available', 'nodefs.available'])
    expect(conditions).toEqual(['DiskPressure', 'MemoryPressure'])
  })
})

describe('who is ended', () => {
  const use = (memoryBytes: number, more: Partial<PodUse> = {}): PodUse => ({
    memoryBytes,
    diskBytes: 0,
    inodes: 0,
    processes: 0,
    containers: [{ name: 'main', memoryBytes, diskBytes: more.diskBytes ?? 0 }],
    ...more,
  })
  const Mi = 2 ** 20
  const candidates = [
    { pod: pod('within', asks({ requests: { memory: '100Mi' } })), use: use(90 * Mi) },
    { pod: pod('small', asks({ requests: { memory: '10Mi' } })), use: use(20 * Mi, { diskBytes: 9, processes: 1 }) },
    { pod: pod('large', asks({ requests: { memory: '10Mi' } })), use: use(80 * Mi, { diskBytes: 5, processes: 7 }) },
    { pod: pod('important', { ...asks({}), priority: 1000 }), use: use(500 * Mi, { processes: 99 }) },
    { pod: pod('unknown', { priority: 5000 }), use: undefined },
  ]
  const order = (...args: Parameters<typeof rank>) => rank(...args).map(c => c.pod.metadata.name)

  it('of memory: beyond its requests, then less important, then furthest beyond', () => {
    expect(order('memory', candidates)).toEqual(['unknown', 'large', 'small', 'important', 'within'])
  })

  it('of disk by what it has written, of processes by importance and number', () => {
    expect(order('ephemeral-storage', candidates).slice(0, 3)).toEqual(['unknown', 'small', 'large'])
    expect(order('pids', candidates)).toEqual(['unknown', 'large', 'small', 'within', 'important'])
  })

  it('and why, in upstream’s words', () => {
    const [threshold] = parseThresholds({ hard: 'memory.available<100Mi' })
    expect(evictionMessage(threshold!, seen({ 'memory.available': [50 * Mi, 8 * 2 ** 30] }), candidates[2]!)).toBe(
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was using 80Mi, request is 10Mi, has larger consumption of memory. ',
    )
    const [disk] = parseThresholds({ hard: 'nodefs.available<10%' })
    expect(evictionMessage(disk!, seen({ 'nodefs.available': [Mi, 100 * Mi] }), candidates[0]!)).toBe(
      'The node was low on resource: ephemeral-storage. Threshold quantity: 10Mi, available: 1Mi. ',
    )
  })

  it('never what the node runs by itself, nor what the cluster rests on', () => {
    expect(isCritical(pod('a', {}, { 'kubernetes.io/config.source': 'file' }))).toBe(true)
    expect(isCritical(pod('a', { priority: 2_000_000_000 }))).toBe(true)
    expect(isCritical(pod('a', { priority: 1_999_999_999 }))).toBe(false)
  })

  it('and who is not taken in meanwhile', () => {
    const node = (...pressure: string[]) => ({ name: 'n', labels: {}, allocatable: {}, pressure })
    const best = pod('best')
    const burst = pod('burst', asks({ requests: { cpu: '0' }, limits: { 'ephemeral-storage': '0' } }))
    const tolerant = pod('t', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] })
    const refused = { reason: 'Evicted', message: 'Pod was rejected: The node had condition: [MemoryPressure]. ' }
    expect(admit(best, [], node('MemoryPressure'))).toEqual(refused)
    expect(admit(tolerant, [], node('MemoryPressure'))).toBeUndefined()
    expect(admit(burst, [], node('DiskPressure'))?.reason).toBe('Evicted')
    expect(admit(tolerant, [], node('DiskPressure', 'MemoryPressure'))?.reason).toBe('Evicted')
    expect(admit(pod('c', { priority: 2_000_000_000 }), [], node('PIDPressure'))).toBeUndefined()
  })
})

describe('a pod beyond its own limits of local storage', () => {
  const limit = (size: string) => ({ limits: { 'ephemeral-storage': size } })
  it.each<[string, Partial<PodSpec>, [main: number, volume: number], string | undefined]>([
    [
      'volume',
      { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }] },
      [0, 1025],
      'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ',
    ],
    ['volume, just', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }] }, [0, 1024], undefined],
    ['no limit', { volumes: [{ name: 'v', emptyDir: {} }] }, [9999, 9999], undefined],
    [
      'sum',
      asks(limit('1Ki')),
      [600, 600],
      'Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ',
    ],
    [
      'one of two',
      {
        containers: [
          { name: 'main', resources: limit('1Ki') },
          { name: 'b', resources: limit('9Ki') },
        ] as Container[],
      },
      [1100, 0],
      'Container main exceeded its local ephemeral storage limit "1Ki". ',
    ],
  ])('%s', (_, spec, [main, volume], wanted) => {
    const local = { containers: new Map([['main', main]]), emptyDirs: new Map([['v', volume]]) }
    expect(localLimitProblem(pod('p', spec), local)?.message).toBe(wanted)
  })
})
