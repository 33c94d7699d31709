import { describe, expect, test } from 'vitest'
import { readConfiguration } from '../configuration/configuration.ts'
import { makeNode, makePod, makeScene, type Requests } from '../testing/index.ts'

type Use = [on: string, requests: Requests]

/** Scores by a plugin with these arguments of nodes n1, n2 … that have so much. */
function scores(name: string, args: object, nodes: Requests[], wanted: Requests, uses: Use[]): number[] {
  const [profile] = readConfiguration({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [{ pluginConfig: [{ name, args }] }],
  }).profiles
  const scene = makeScene({
    nodes: nodes.map((allocatable, i) => makeNode(`n${i + 1}`, { allocatable })),
    pods: uses.map(([on, requests], i) => makePod(`u${i}`, { on, requests })),
    profile: profile!,
  })
  return Object.values(scene.scores(makePod('p', { requests: wanted }), name))
}

const size = (cpu: string, memory: string, more: Requests = {}) => ({ cpu, memory, ...more })
const gpu = 'x.io/gpu'
const some = size('3', '5k')
const cpuOnly = size('3', '0')

describe('NodeResourcesFit scores', () => {
  const least = { type: 'LeastAllocated' }
  const most = { type: 'MostAllocated' }
  const of = (strategy: object, ...resources: [string, number][]) => ({
    ...strategy,
    resources: resources.map(([name, weight]) => ({ name, weight })),
  })
  const ratio = (...shape: [number, number][]) => ({
    type: 'RequestedToCapacityRatio',
    requestedToCapacityRatio: { shape: shape.map(([utilization, score]) => ({ utilization, score })) },
  })
  const falling = ratio([0, 10], [100, 0])
  const rising = ratio([0, 0], [100, 10])

  test.each<[string, object, Requests[], Requests, Use[], number[]]>([
    ['least: by what stays free', least, [size('4', '10k'), size('6', '10k')], some, [], [37, 50]],
    [
      'least: what is used counts, and none requested is none',
      least,
      [size('10', '20k'), size('10', '50k')],
      some,
      [
        ['n1', cpuOnly],
        ['n2', some],
      ],
      [57, 60],
    ],
    [
      'least: more than there is leaves nothing',
      least,
      [size('4', '10k'), size('4', '10k')],
      cpuOnly,
      [
        ['n1', cpuOnly],
        ['n2', some],
      ],
      [50, 25],
    ],
    ['least: a node that has nothing', least, [size('0', '0')], some, [], [0]],
    [
      'least: by weight',
      of(least, ['memory', 2], ['cpu', 1]),
      [size('4', '10k'), size('6', '10k')],
      some,
      [],
      [41, 50],
    ],
    [
      'least: an extended resource that is not requested does not count',
      of(least, ['cpu', 1], ['memory', 1], [gpu, 2]),
      [size('6', '10k'), size('6', '10k', { [gpu]: '4' })],
      some,
      [],
      [50, 50],
    ],
    [
      'least: one that is requested does',
      of(least, ['cpu', 1], ['memory', 1], [gpu, 1]),
      [size('6', '10k', { [gpu]: '4' }), size('6', '10k', { [gpu]: '10' })],
      { ...some, [gpu]: '2' },
      [],
      [50, 60],
    ],
    [
      'least: ephemeral storage counts though it is not requested',
      of(least, ['ephemeral-storage', 1]),
      [size('4', '10k', { 'ephemeral-storage': '10k' }), size('4', '10k', { 'ephemeral-storage': '20k' })],
      some,
      [
        ['n1', { 'ephemeral-storage': '4k' }],
        ['n2', { 'ephemeral-storage': '4k' }],
      ],
      [60, 80],
    ],
    ['most: by what is used', most, [size('4', '10k'), size('6', '10k')], some, [], [62, 50]],
    ['most: no more than all', most, [size('2', '10k')], some, [], [75]],
    ['most: pods without requests count as small ones, up to all there is', most, [size('100m', '100')], {}, [], [100]],
    [
      'most: an extended resource that is requested',
      of(most, ['cpu', 1], ['memory', 1], [gpu, 1]),
      [size('6', '10k', { [gpu]: '4' }), size('6', '10k', { [gpu]: '10' })],
      { ...some, [gpu]: '2' },
      [],
      [50, 40],
    ],
    ['ratio: the mean is rounded', falling, [size('4', '10k'), size('6', '10k')], some, [], [38, 50]],
    ['ratio: a resource that is rated 0 does not count', falling, [size('3', '10k')], some, [], [50]],
    ['ratio: nothing that counts is 0', falling, [size('3', '5k')], some, [], [0]],
    [
      'ratio: use is in whole percents, and so is what it is rated',
      of(ratio([10, 1], [90, 9]), ['cpu', 1]),
      [size('15', '10k'), size('34', '10k'), size('3', '10k')],
      some,
      [],
      [20, 10, 90],
    ],
    [
      'ratio: a falling line is cut towards its beginning',
      of(ratio([0, 10], [30, 0]), ['cpu', 1]),
      [size('30', '10k'), size('20', '10k')],
      some,
      [],
      [67, 50],
    ],
    [
      'ratio: extended resources, by weight',
      of(rising, [gpu, 3], ['y.io/fpga', 5]),
      [size('4', '10k', { [gpu]: '8', 'y.io/fpga': '4' }), size('4', '10k', { [gpu]: '4', 'y.io/fpga': '8' })],
      { [gpu]: '2', 'y.io/fpga': '2' },
      [],
      [41, 34],
    ],
    [
      'ratio: extended resources that are not requested',
      of(rising, [gpu, 3]),
      [size('4', '10k', { [gpu]: '8' })],
      some,
      [],
      [0],
    ],
  ])('%s', (_, scoringStrategy, nodes, wanted, uses, expected) =>
    expect(scores('NodeResourcesFit', { scoringStrategy }, nodes, wanted, uses)).toEqual(expected),
  )
})

describe('NodeResourcesBalancedAllocation', () => {
  const both: Use[] = [
    ['n1', cpuOnly],
    ['n2', some],
  ]
  const resources = (...names: string[]) => ({ resources: names.map(name => ({ name })) })
  test.each<[string, object, Requests[], Requests, Use[], number[]]>([
    ['an empty cluster, no requests', {}, [size('4', '10k'), size('6', '10k')], {}, [], [100, 100]],
    ['nodes of two sizes', {}, [size('4', '10k'), size('6', '10k')], some, [], [87, 100]],
    ['what is used already', {}, [size('10', '20k'), size('10', '20k')], some, both, [82, 95]],
    ['a bigger node is less even', {}, [size('10', '20k'), size('10', '50k')], some, both, [82, 80]],
    ['all of the CPU', {}, [size('6', '10k'), size('6', '10k')], cpuOnly, both, [50, 75]],
    ['no more than all counts', {}, [size('4', '10k')], cpuOnly, [['n1', cpuOnly]], [50]],
    ['a node that has nothing', {}, [size('0', '0')], {}, [], [100]],
    [
      'three resources by their deviation',
      resources('cpu', 'memory', gpu),
      [size('3500m', '40k', { [gpu]: '8' }), size('3500m', '40k', { [gpu]: '8' })],
      { cpu: '0', memory: '0', [gpu]: '1' },
      [
        ['n1', { ...some, [gpu]: '3' }],
        ['n2', some],
      ],
      [70, 65],
    ],
    [
      'an extended resource that is not requested does not count',
      resources('cpu', gpu),
      [size('3500m', '40k', { [gpu]: '8' }), size('3500m', '40k')],
      {},
      both,
      [100, 100],
    ],
  ])('%s', (_, args, nodes, wanted, uses, expected) =>
    expect(scores('NodeResourcesBalancedAllocation', args, nodes, wanted, uses)).toEqual(expected),
  )
})
