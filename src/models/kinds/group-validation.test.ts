import { describe, expect, test } from 'vitest'
import * as all from './index.ts'
import { refusals, updateRefusals } from './testing.ts'

const kinds = all as any
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
const job = (spec: object) => ({ spec: { template, ...spec } })
const metric = (spec: object) => ({
  spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'web' }, metrics: [spec] },
})
const quota = (spec: object) => ({ spec })
const limit = (item: object) => ({ spec: { limits: [item] } })
const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }
const subject = { kind: 'User', user: { name: 'u' } }
const schema = (spec: object, rules: object = {}) => ({
  spec: {
    priorityLevelConfiguration: { name: 'x' },
    matchingPrecedence: 10,
    rules: [{ subjects: [subject], resourceRules: [rule], ...rules }],
    ...spec,
  },
})
const level = (limited: object, name = 'x') => ({ metadata: { name }, spec: { type: 'Limited', limited } })
const queuing = (q: object) => level({ limitResponse: { type: 'Queue', queuing: q } })
const csr = { spec: { request: 'eA==', signerName: 'example.com/x', usages: ['client auth'] } }
const policy = (ipBlock: object) => ({ spec: { podSelector: {}, ingress: [{ from: [{ ipBlock }] }] } })

describe('a create is refused', () => {
  test.each<[string, object, string[]]>([
    [
      'Job',
      job({ podFailurePolicy: { rules: [{ action: 'Ignore' }] } }),
      ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
    ],
    [
      'Job',
      job({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3, 0] } }] } }),
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0]: must be ordered',
      ],
    ],
    [
      'Job',
      job({ podFailurePolicy: { rules: [{ action: 'FailIndex', onPodConditions: [{ type: 'X' }] }] } }),
      [
        'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      ],
    ],
    [
      'Job',
      job({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
      ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode'],
    ],
    [
      'Job',
      job({
        completionMode: 'Indexed',
        completions: 5,
        successPolicy: { rules: [{ succeededIndexes: '0-2,4', succeededCount: 5 }, { succeededIndexes: '3,1' }] },
      }),
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 4 (the number of indexes in the specified succeededIndexes field)',
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1',
      ],
    ],
    [
      'Job',
      job({ managedBy: 'me' }),
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'HorizontalPodAutoscaler',
      metric({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }),
      [
        'spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      ],
    ],
    [
      'HorizontalPodAutoscaler',
      metric({
        type: 'External',
        external: { metric: { name: 'q' }, target: { type: 'Value', value: '1', averageValue: '1' } },
      }),
      [
        'spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target',
      ],
    ],
    [
      'ResourceQuota',
      quota({ hard: { apples: '1', pods: '500m' } }),
      [
        'spec.hard[apples]: Invalid value: apples: must be a standard resource type or fully qualified',
        'spec.hard[apples]: Invalid value: apples: must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "500m": must be an integer',
      ],
    ],
    [
      'ResourceQuota',
      quota({ hard: { 'count/leases.x': '1001m', 'requests.example.com/gpu': '500m' } }),
      ['spec.hard[count/leases.x]: Invalid value: "1001m": must be an integer'],
    ],
    [
      'ResourceQuota',
      quota({ hard: { services: '1' }, scopes: ['Terminating'] }),
      ['spec.scopes: Invalid value: []core.ResourceQuotaScope{"Terminating"}: unsupported scope applied to resource'],
    ],
    [
      'ResourceQuota',
      quota({ hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] }),
      ['spec.scopes: Invalid value: []core.ResourceQuotaScope{"BestEffort", "NotBestEffort"}: conflicting scopes'],
    ],
    [
      'ResourceQuota',
      quota({
        hard: { pods: '1' },
        scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] },
      }),
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
    [
      'LimitRange',
      limit({
        type: 'Container',
        min: { cpu: '2' },
        max: { cpu: '1' },
        default: { cpu: '1' },
        defaultRequest: { cpu: '1' },
      }),
      [
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
        'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
      ],
    ],
    [
      'LimitRange',
      limit({ type: 'PersistentVolumeClaim' }),
      [
        'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
      ],
    ],
    [
      'LimitRange',
      limit({ type: 'Pod', maxLimitRequestRatio: { cpu: '500m' } }),
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
    ],
    [
      'NetworkPolicy',
      policy({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.0.0.0/8', '11.0.0.0/16'] }),
      [
        'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        'spec.ingress[0].from[0].ipBlock.except[2]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      ],
    ],
    [
      'FlowSchema',
      schema({ matchingPrecedence: 1 }),
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      'FlowSchema',
      schema({}, { subjects: [{ kind: 'User', group: { name: 'g' } }] }),
      [
        "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
        "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
      ],
    ],
    [
      'FlowSchema',
      schema({}, { resourceRules: [{ ...rule, verbs: ['*', 'get'], namespaces: [] }] }),
      [
        'spec.rules[0].resourceRules[0].verbs: Invalid value: []string{"*", "get"}: if \'*\' is present, must not specify other verbs',
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [
      'PriorityLevelConfiguration',
      queuing({ queues: 512, handSize: 8, queueLengthLimit: 1 }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60',
      ],
    ],
    [
      'PriorityLevelConfiguration',
      level({ limitResponse: { type: 'Reject' } }, 'exempt'),
      ["spec.type: Invalid value: \"Limited\": type must be 'Exempt' if and only if name is 'exempt'"],
    ],
    [
      'CertificateSigningRequest',
      { ...csr, spec: { ...csr.spec, signerName: 'kubernetes.io/legacy-unknown' } },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      'ResourceClaim',
      {
        spec: {
          devices: {
            requests: [
              { name: 'a', deviceClassName: 'c' },
              { name: 'a', deviceClassName: 'c' },
            ],
          },
        },
      },
      ['spec.devices.requests[1].name: Duplicate value: "a"'],
    ],
  ])('%s %j', (kind, body, expected) => {
    expect(refusals(kinds[kind], body)).toEqual(expected)
  })
})

test('what a device claim asks for stays as it was', () => {
  const body = { spec: { devices: { requests: [{ name: 'a', deviceClassName: 'c' }] } } }
  const errors = updateRefusals(kinds.ResourceClaim, body, claim => {
    claim.spec.devices.requests[0].deviceClassName = 'd'
  })
  expect(errors).toHaveLength(1)
  expect(errors[0]).toMatch(/^spec: Invalid value: .*: field is immutable$/)
})

test('a certificate request is decided once, by its approval, and its certificate written once', () => {
  const { validatePart, validate } = kinds.CertificateSigningRequest
  const request = (status: object) => ({ metadata: { name: 'x' }, ...csr, status })
  const approved = { type: 'Approved', status: 'True', reason: 'r' }
  const texts = (part: string, next: object, before: object) =>
    validatePart(part, request(next), request(before)).map((e: any) => e.message)
  expect(texts('status', { conditions: [approved] }, {})).toEqual([
    'Forbidden: updates may not add a condition of type "Approved"',
  ])
  expect(texts('approval', { conditions: [approved] }, {})).toEqual([])
  expect(texts('approval', {}, { conditions: [approved] })).toEqual([
    'Forbidden: updates may not remove a condition of type "Approved"',
  ])
  expect(texts('status', { certificate: 'b' }, { certificate: 'a' })).toEqual([
    'Forbidden: updates may not modify existing certificate content',
  ])
  const both = request({ conditions: [approved, { type: 'Denied', status: 'True' }] })
  expect(validate(both).map((e: any) => e.message)).toEqual([
    'Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
  ])
})
