import { expect, it } from 'vitest'
import type { Job, PodFailurePolicyRule } from '../models/types/batch-v1.ts'
import type { Pod } from '../models/types/core-v1.ts'
import { judgeFailure } from './job-policy.ts'

const job = (...rules: PodFailurePolicyRule[]) => ({ metadata: {}, spec: { podFailurePolicy: { rules } } }) as Job

const pod = (conditions: object[]) =>
  ({ metadata: { namespace: 'default', name: 'p' }, status: { phase: 'Failed', conditions } }) as Pod

const disrupted = (status?: string): PodFailurePolicyRule => ({
  action: 'Ignore',
  onPodConditions: [{ type: 'DisruptionTarget', ...(status ? { status } : {}) } as never],
})

it.each([
  ['True unless the rule says otherwise', disrupted(), 'True', true],
  ['another status', disrupted(), 'False', false],
  ['the status that the rule names', disrupted('False'), 'False', true],
  ['not the one that it names', disrupted('False'), 'True', false],
])('a condition of the pod decides by its status: %s', (_, rule, status, matches) => {
  const verdict = judgeFailure(job(rule), pod([{ type: 'DisruptionTarget', status }]))
  expect(verdict).toEqual(
    matches
      ? { action: 'Ignore', message: 'Pod default/p has condition DisruptionTarget matching Ignore rule at index 0' }
      : undefined,
  )
})

it('the first rule that matches decides', () => {
  const other: PodFailurePolicyRule = { action: 'FailJob', onPodConditions: [{ type: 'Other', status: 'True' }] }
  const conditions = ['DisruptionTarget', 'Other'].map(type => ({ type, status: 'True' }))
  expect(judgeFailure(job(other, disrupted()), pod(conditions))?.action).toBe('FailJob')
  expect(judgeFailure(job(disrupted(), other), pod(conditions))?.action).toBe('Ignore')
})
