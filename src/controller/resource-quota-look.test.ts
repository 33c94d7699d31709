import { expect, it } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { Pod, ResourceQuota, Service } from '../models/kinds/index.ts'
import { resourceQuotaReconciler } from './resource-quota.ts'
import { meta, pod } from './testing/fixtures.ts'
import { stillWorld } from './testing/still-world.ts'

/** What one look at a quota writes: cases that Kubernetes' own controller is held to. */

const key = { namespace: 'default', name: 'q' }
type Amounts = Record<string, string>
const quota = (hard: Amounts, status?: { hard: Amounts; used: Amounts }): ResourceQuota => ({
  ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: meta('q'), spec: { hard } },
  ...(status ? { status } : {}),
})
const refused = new ApiError('InternalError', 'not now')

async function look(given: ResourceQuota, fails: Record<string, Error> = {}) {
  const [pods, services] = [[pod({ name: 'a' }), pod({ name: 'b' })], [{ metadata: meta('s'), spec: {} } as Service]]
  const world = stillWorld({
    cached: [
      [ResourceQuota, [given]],
      [Pod, pods],
      [Service, services],
    ],
    fails,
  })
  const error = await resourceQuotaReconciler()
    .reconcile(key, world)
    .then(
      () => undefined,
      cause => cause.message,
    )
  return { error, status: world.bodies.at(-1)?.status }
}

it.each<[string, ResourceQuota, Record<string, Error>, { error?: string; status?: object }]>([
  ['counts', quota({ pods: '5' }), {}, { status: { hard: { pods: '5' }, used: { pods: '2' } } }],
  [
    'shows new limits',
    quota({ pods: '9' }, { hard: { pods: '5' }, used: { pods: '2' } }),
    {},
    { status: { hard: { pods: '9' }, used: { pods: '2' } } },
  ],
  ['writes nothing when nothing is new', quota({ pods: '5' }, { hard: { pods: '5' }, used: { pods: '2' } }), {}, {}],
  [
    'says nothing of a limit of what there is not',
    quota({ pods: '5', 'example.test/dongles': '1' }),
    {},
    { status: { hard: { pods: '5', 'example.test/dongles': '1' }, used: { pods: '2' } } },
  ],
  [
    'shows its limits when nothing can be counted',
    quota({ pods: '5' }),
    { 'list Pod': refused },
    { error: 'not now', status: { hard: { pods: '5' }, used: {} } },
  ],
  [
    'shows what can be counted, and keeps what was known of the rest',
    quota({ pods: '5', services: '5' }, { hard: { pods: '5' }, used: { pods: '1' } }),
    { 'list Pod': refused },
    { error: 'not now', status: { hard: { pods: '5', services: '5' }, used: { pods: '1', services: '1' } } },
  ],
])('a quota %s', async (_, given, fails, { error, status }) => {
  expect(await look(given, fails)).toEqual({ error, status })
})
