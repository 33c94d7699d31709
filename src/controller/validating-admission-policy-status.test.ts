import { expect, onTestFinished, test } from 'vitest'
import { ValidatingAdmissionPolicy } from '../models/kinds/index.ts'
import { startTestCluster } from './testing/cluster.ts'
import { validatingAdmissionPolicyStatusReconciler } from './validating-admission-policy-status.ts'

const policy = (name: string, resource: string, expression: string, messageExpression?: string) => ({
  metadata: { name },
  spec: {
    matchConstraints: {
      resourceRules: [
        { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE' as const], resources: [resource] },
      ],
    },
    validations: [{ expression, ...(messageExpression ? { messageExpression } : {}) }],
  },
})

test('the status of a policy says what its expressions get wrong about the kinds that it names', async () => {
  const cluster = await startTestCluster({ reconcilers: [validatingAdmissionPolicyStatusReconciler()] })
  onTestFinished(() => cluster[Symbol.asyncDispose]())
  const { client } = cluster
  const statusOf = async (name: string) => (await client.get(ValidatingAdmissionPolicy, { name })).status
  await client.create(ValidatingAdmissionPolicy, policy('right', 'deployments', 'object.spec.replicas > 1'))
  await client.create(
    ValidatingAdmissionPolicy,
    policy('wrong', 'deployments', "object.spec.replicas > '1'", "'got ' + object.spec.replicas"),
  )
  await client.create(ValidatingAdmissionPolicy, policy('any', '*', 'object.spec.nothing'.concat(' == 1')))
  await cluster.until(async () => (await statusOf('any'))?.typeChecking !== undefined)
  expect(await statusOf('right')).toEqual({ observedGeneration: 1, typeChecking: {} })
  expect(await statusOf('any')).toEqual({ observedGeneration: 1, typeChecking: {} })
  const kind = 'apps/v1, Kind=Deployment: ERROR: <input>:1:'
  expect((await statusOf('wrong'))?.typeChecking?.expressionWarnings).toEqual([
    {
      fieldRef: 'spec.validations[0].expression',
      warning: expect.stringContaining(`${kind}22: found no matching overload for '_>_' applied to '(int, string)'`),
    },
    {
      fieldRef: 'spec.validations[0].messageExpression',
      warning: expect.stringContaining(`${kind}8: found no matching overload for '_+_' applied to '(string, int)'`),
    },
  ])
})
