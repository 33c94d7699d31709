import { expect, test } from 'vitest'
import type { Finding } from '../explain/explanation.ts'
import { explanationText, objectText } from './explanation-text.ts'
import type { Paint } from './terminal.ts'

const head = {
  apiVersion: 'optiflow.dev/v1' as const,
  kind: 'PodExplanation' as const,
  nodes: 4,
  byNode: [],
}

test('a pending pod is told with its refusals, what binds and what would help', () => {
  expect(
    explanationText({
      ...head,
      metadata: { namespace: 'default', name: 'big', uid: 'u' },
      state: 'Pending',
      summary: 'fits on none of 4 nodes; what binds is NodeResourcesFit. Smallest change: memory 8Gi → 6Gi',
      fitting: 0,
      refusals: [
        {
          plugin: 'NodeResourcesFit',
          reason: 'Insufficient memory',
          nodes: 4,
          first: 4,
          examples: ['a', 'b', 'c', 'd'],
        },
      ],
      bindingConstraint: { plugin: 'NodeResourcesFit', nodes: 4, alone: true },
      changes: [{ of: 'pod', text: 'memory 8Gi → 6Gi', node: 'a' }],
    }),
  ).toBe(`Pod default/big: Pending, fits on none of 4 nodes; what binds is NodeResourcesFit. Smallest change: memory 8Gi → 6Gi

Of 4 nodes:
NODES   FIRST   REASON                RULE               SUCH AS
4       4       Insufficient memory   NodeResourcesFit   a, b, c, and 1 more

What binds: NodeResourcesFit is all that 4 of 4 nodes have against it.

What would let it in, the smallest change first:
  1. memory 8Gi → 6Gi
`)
})

test('a placed pod is told with the scores of its node and of the best others', () => {
  expect(
    explanationText({
      ...head,
      metadata: { namespace: 'default', name: 'web', uid: 'u' },
      state: 'Placed',
      summary: 'is on a',
      fitting: 4,
      refusals: [],
      changes: [],
      scores: [
        { node: 'a', chosen: true, total: 150, plugins: { Fit: 90, ImageLocality: 60 } },
        { node: 'b', chosen: false, total: 80, plugins: { Fit: 80 } },
      ],
    }),
  ).toBe(`Pod default/web: Placed, is on a

Scores, if it were placed now (* is where it is):
  NODE   TOTAL   Fit   ImageLocality
* a      150     90    60
  b      80      80    0
`)
})

test('an object of any kind: how it is, and each finding with its mark and what to do', () => {
  const paint = new Proxy({}, { get: (_, colour) => (text: string) => `<${String(colour)}>${text}` }) as Paint
  const findings: Finding[] = [
    { mark: 'stops', text: 'it has no node', next: 'Add one.' },
    { mark: 'well', text: 'it is asked for' },
  ]
  expect(objectText({ kind: 'Job', namespace: 'shop', name: 'mig', summary: 'it waits', findings }, paint)).toBe(
    'Job shop/mig: it waits\n\n<red>✖ it has no node\n  → Add one.\n<green>✔ it is asked for\n',
  )
  expect(objectText({ kind: 'Node', name: 'n1', summary: 'it is ready', findings: [] }, paint)).toBe(
    'Node n1: it is ready\n',
  )
})
