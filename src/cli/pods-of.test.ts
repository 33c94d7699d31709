import { expect, test } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import type { Remote } from './connection.ts'
import { podsOf } from './pods-of.ts'

const pods = {
  resource: 'pods',
  responseKind: { kind: 'Pod' },
  scope: 'Namespaced',
  singularResource: 'pod',
  verbs: ['get'],
}

test('who names an app where a pod is wanted is told how apps are named', async () => {
  const json = async (_: string, url: string) => {
    if (url === '/apis/optiflow.dev/v1/namespaces/default/workloads/web') return { metadata: { name: 'web' } }
    if (url === '/api') return { items: [{ metadata: {}, versions: [{ version: 'v1', resources: [pods] }] }] }
    if (url === '/apis') return { items: [] }
    throw new ApiError('NotFound', `${url} not found`, { code: 404 })
  }
  const remote = { namespace: 'default', json } as unknown as Remote
  await expect(podsOf(remote, 'web')).rejects.toMatchObject({
    message: 'there is no pod "web"',
    hint: 'Did you mean workload/web?',
  })
  await expect(podsOf(remote, 'other')).rejects.toBeInstanceOf(ApiError)
})
