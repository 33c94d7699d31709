import { expect, test } from 'vitest'
import type { Recommendation } from '../models/types/optiflow-v1.ts'
import { recommendationRows } from './recommendation-text.ts'

const recommendation = {
  metadata: { namespace: 'shop', name: 'deployment-web' },
  spec: { targetRef: { kind: 'Deployment', name: 'web' } },
  status: {
    recommendation: {
      containerRecommendations: [
        {
          containerName: 'app',
          lowerBound: { cpu: '100m', memory: '200Mi' },
          target: { cpu: '250m', memory: '256Mi' },
          uncappedTarget: { cpu: '250m', memory: '400Mi' },
          upperBound: { cpu: '300m', memory: '256Mi' },
        },
      ],
    },
  },
} as unknown as Recommendation

test('a line for each resource says what is asked for, what should be, and what a limit stands in the way of', () => {
  const containers = [{ name: 'app', resources: { requests: { cpu: '1' } } }]
  expect(recommendationRows(recommendation, containers)).toEqual([
    ['deployment/web', 'app', 'cpu', '1', '100m', '250m', '300m'],
    ['deployment/web', 'app', 'memory', '-', '200Mi', '256Mi (400Mi without its limit)', '256Mi'],
  ])
  expect(recommendationRows(recommendation, [], true)[0]).toEqual([
    'shop',
    'deployment/web',
    'app',
    'cpu',
    '-',
    '100m',
    '250m',
    '300m',
  ])
})

test('a workload that was not measured yet has no lines', () => {
  expect(recommendationRows({ ...recommendation, status: {} }, [])).toEqual([])
})
