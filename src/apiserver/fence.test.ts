import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DelayedStore, openDelayedStore } from './testing/delayed-store.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const maps = '/api/v1/namespaces/default/configmaps'

describe('a leader', () => {
  let server: TestServer
  let delayed: DelayedStore
  beforeEach(async () => {
    delayed = await openDelayedStore()
    server = await startTestServer({ store: delayed.store })
  })
  afterEach(() => server[Symbol.asyncDispose]())

  /** Takes the lease, or takes it over. @returns the fence of the new term */
  async function lead(holderIdentity: string): Promise<string> {
    const { body: lease } = await server.call('GET', `${leases}/l`)
    const term = (lease.spec?.leaseTransitions ?? 0) + 1
    const spec = { holderIdentity, leaseDurationSeconds: 5, leaseTransitions: term }
    const { body } = lease.spec
      ? await server.call('PUT', `${leases}/l`, { ...lease, spec })
      : await server.call('POST', leases, { metadata: { name: 'l' }, spec })
    return `kube-system/l/${body.metadata.uid}/${term}`
  }
  async function renew(): Promise<void> {
    const { body } = await server.call('GET', `${leases}/l`)
    await server.call('PUT', `${leases}/l`, {
      ...body,
      spec: { ...body.spec, renewTime: '2026-01-01T00:00:00.000000Z' },
    })
  }
  const create = (name: string, fence: string) =>
    server.call('POST', maps, { metadata: { name } }, { 'optiflow-fence': fence })

  it('writes in its term, and in no way after another took over', async () => {
    const a = await lead('a')
    expect((await create('first', a)).status).toBe(201)
    const b = await lead('b')
    const late = await create('late', a)
    expect(late.status).toBe(403)
    expect(late.body.message).toBe(
      'the writer leads no longer: its request is of term 1 of the lease kube-system/l, which is held by b in term 2',
    )
    const merge = { 'content-type': 'application/merge-patch+json', 'optiflow-fence': a }
    expect((await server.call('PATCH', `${maps}/first`, { data: { x: '1' } }, merge)).status).toBe(403)
    expect((await server.call('DELETE', `${maps}/first`, undefined, { 'optiflow-fence': a })).status).toBe(403)
    expect((await server.call('DELETE', maps, undefined, { 'optiflow-fence': a })).status).toBe(403)
    expect((await server.call('GET', `${maps}/first`, undefined, { 'optiflow-fence': a })).status).toBe(200)
    expect((await create('second', b)).status).toBe(201)
  })

  it('is refused even when the lease is taken over between the check and the commit', async () => {
    const a = await lead('a')
    delayed.before = () => lead('b')
    expect((await create('late', a)).status).toBe(403)
    expect((await server.call('GET', `${maps}/late`)).status).toBe(404)
  })

  it('goes on when it renews its own lease between the check and the commit', async () => {
    const a = await lead('a')
    delayed.before = renew
    expect((await create('map', a)).status).toBe(201)
  })

  it('has no term once its lease is released, deleted or made anew', async () => {
    const a = await lead('a')
    const { body } = await server.call('GET', `${leases}/l`)
    await server.call('PUT', `${leases}/l`, { ...body, spec: { ...body.spec, holderIdentity: '' } })
    expect((await create('late', a)).body.message).toContain('is held by nobody')
    delayed.before = () => server.call('DELETE', `${leases}/l`)
    const again = await lead('a')
    expect((await create('late', again)).body.message).toContain('is gone')
    const anew = await lead('a')
    expect((await create('late', a)).status).toBe(403)
    expect((await create('map', anew)).status).toBe(201)
  })

  it('is told how a fence is written', async () => {
    expect((await create('map', 'kube-system/l')).status).toBe(400)
  })
})
