import { expect, test } from 'vitest'
import { refusals } from '../testing.ts'
import { ValidatingAdmissionPolicy } from './validating-admission-policy.ts'

const policy = (expression: string): any => ({
  metadata: { name: 'p' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
    },
    validations: [{ expression }],
  },
})

test('an expression that is new may not use what Kubernetes 1.32 only reads where it is stored', () => {
  const two = policy('[1].all(i, v, v > i)')
  expect(refusals(ValidatingAdmissionPolicy, two)[0]).toContain("undeclared reference to 'all' (in container '')")
  expect(refusals(ValidatingAdmissionPolicy, policy('[1].all(v, v > 0)'))).toEqual([])
  expect(ValidatingAdmissionPolicy.validate!(two, two)).toEqual([])
})
