import { describe, expect, it } from 'vitest'
import { ConfigMap, Deployment, Pod } from '../models/kinds/index.ts'
import { deletionConditions, type Remaining, unexpectedlyLeft } from './namespace-content.ts'

/** What is said of a namespace that does not go: the cases that Kubernetes' own controller is held to. */

const now = '2026-01-01T00:01:00Z'
const namespace = { metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:50Z' }, spec: {} } as never
const left = (kind: Remaining['kind'], ...items: object[]) =>
  ({ kind, items: items.map((item, i) => ({ metadata: { name: `x-${i}`, ...item } })) }) as unknown as Remaining
const problems = (report: Partial<Parameters<typeof deletionConditions>[0]>) =>
  deletionConditions({ undiscovered: [], failures: [], remaining: [], ...report }, now)
    .filter(c => c.status === 'True')
    .map(c => [c.type, c.reason, c.message])

describe('a namespace that is being deleted', () => {
  it('says of each condition that all is well when it is', () => {
    expect(problems({})).toEqual([])
    expect(deletionConditions({ undiscovered: [], failures: [], remaining: [] }, now).map(c => c.reason)).toEqual([
      ...['ResourcesDiscovered', 'ParsedGroupVersions', 'ContentDeleted', 'ContentRemoved', 'ContentHasNoFinalizers'],
    ])
  })

  it('says what could not be deleted, in order', () => {
    expect(problems({ failures: ['no', 'also no'] })).toEqual([
      [
        'NamespaceDeletionContentFailure',
        'ContentDeletionFailed',
        'Failed to delete all resource types, 2 remaining: also no, no',
      ],
    ])
  })

  it('says what is left, and which finalizers hold it', () => {
    const remaining = [
      left(Deployment, { finalizers: ['b.test/x'] }, { finalizers: ['a.test/x', 'b.test/x'] }),
      left(ConfigMap, {}),
    ]
    expect(problems({ remaining })).toEqual([
      [
        'NamespaceContentRemaining',
        'SomeResourcesRemain',
        'Some resources are remaining: configmaps. has 1 resource instances, deployments.apps has 2 resource instances',
      ],
      [
        'NamespaceFinalizersRemaining',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: a.test/x in 1 resource instances, b.test/x in 2 resource instances',
      ],
    ])
  })
})

const pod = (graceSeconds: number, phase = 'Running'): Remaining =>
  ({
    kind: Pod,
    items: [{ metadata: { name: 'p' }, spec: { terminationGracePeriodSeconds: graceSeconds }, status: { phase } }],
  }) as unknown as Remaining
const unexpected = (gvr: string) => `unexpected items still remain in namespace: shop for gvr: ${gvr}`

it.each<[string, Remaining, string | undefined]>([
  ['nothing', left(ConfigMap), undefined],
  ['what nobody holds', left(ConfigMap, {}), unexpected('/v1, Resource=configmaps')],
  ['what nobody holds, of a group', left(Deployment, {}), unexpected('apps/v1, Resource=deployments')],
  ['what a finalizer holds', left(ConfigMap, {}, { finalizers: ['x'] }), undefined],
  ['a pod that has time left to shut down', pod(30), undefined],
  ['a pod that should have shut down', pod(5), unexpected('/v1, Resource=pods')],
  ['a pod that has nothing to shut down', pod(30, 'Succeeded'), unexpected('/v1, Resource=pods')],
])('%s is still there after its deletion: %s', (_, rest, expected) =>
  expect(unexpectedlyLeft(rest, namespace, Date.parse(now))).toBe(expected),
)
