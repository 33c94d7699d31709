import { expect, test } from 'vitest'
import { EndpointSlice, Job, Lease } from '../index.ts'
import { admitted, refusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const template = {
  metadata: { labels: { app: 'x' } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
}

test("a Job's labels are its template's, with those that the server writes, unless it has its own", () => {
  const body = { metadata: { name: 'j', uid: 'u' }, spec: { template } }
  expect(admitted(Job, body).metadata.labels).toEqual({
    app: 'x',
    'job-name': 'j',
    'batch.kubernetes.io/job-name': 'j',
    'controller-uid': 'u',
    'batch.kubernetes.io/controller-uid': 'u',
  })
  const own = { ...body, metadata: { ...body.metadata, labels: { mine: '1' } } }
  expect(admitted(Job, own).metadata.labels).toEqual({ mine: '1' })
})

test.each<[object, string[]]>([
  [{ completionMode: 'x' }, ['spec.completionMode: Unsupported value: "x": supported values: "NonIndexed", "Indexed"']],
  [
    { podReplacementPolicy: 'x' },
    ['spec.podReplacementPolicy: Unsupported value: "x": supported values: "Failed", "TerminatingOrFailed"'],
  ],
  [
    { podFailurePolicy: { rules: [{ action: 'Stop', onExitCodes: { values: [1] } }] } },
    [
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "Stop": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
      'spec.podFailurePolicy.rules[0].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]',
    ],
  ],
  [
    { template: { ...template, metadata: { labels: { 'job-name': 'other' } } } },
    ['spec.template.metadata.labels[job-name]: Invalid value: "other": must be \'j\''],
  ],
])('a Job with %j is refused', (spec, expected) => {
  expect(refusals(Job, { metadata: { name: 'j', uid: 'u' }, spec: { template, ...spec } })).toEqual(expected)
})

test('what 1.32 does not offer yet, or no longer, is dropped', () => {
  expect(admitted(Lease, { spec: { holderIdentity: 'h', strategy: 's', preferredHolder: 'p' } }).spec).toEqual({
    holderIdentity: 'h',
  })
  const slice = {
    addressType: 'IPv4',
    ports: [],
    endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: { a: 'b' } }],
  }
  expect(admitted(EndpointSlice, slice).endpoints).toEqual([{ addresses: ['10.0.0.1'], conditions: {} }])
})
