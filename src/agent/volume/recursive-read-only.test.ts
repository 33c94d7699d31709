import { expect, test } from 'vitest'
import { container, Fixture } from '../testing/fixture.ts'
import { canRecurse, recursionOf, settleRecursion, wantsRecursion } from './recursive-read-only.ts'

const mount = (recursiveReadOnly?: string, readOnly = true) => ({
  ...{ name: 'data', mountPath: '/data', readOnly },
  ...(recursiveReadOnly ? { recursiveReadOnly } : {}),
})

test('what insists is refused by a runtime that cannot, what is possible is settled', () => {
  const web = (mode: string) => container('web', { volumeMounts: [mount(mode)] })
  expect(() => settleRecursion(web('Enabled'), false)).toThrow(
    'container web mounts volume "data" with recursiveReadOnly: Enabled, which this node\'s container runtime cannot do',
  )
  expect(settleRecursion(web('Enabled'), true).volumeMounts).toEqual([mount('Enabled')])
  expect(settleRecursion(web('IfPossible'), true).volumeMounts).toEqual([mount('Enabled')])
  expect(settleRecursion(web('IfPossible'), false).volumeMounts).toEqual([mount('Disabled')])
})

test('only who asks for it is asked about; a mount that is written is never told as recursive', () => {
  expect(wantsRecursion(container('web', { volumeMounts: [mount(), mount('Disabled')] }))).toBe(false)
  expect(wantsRecursion(container('web', { volumeMounts: [mount(), mount('IfPossible')] }))).toBe(true)
  expect(recursionOf(mount('Enabled', false), true)).toBe('Disabled')
  expect(recursionOf(mount(), true)).toBe('Disabled')
})

test('each way of running pods says for itself what it can', () => {
  const handlers = [
    { name: '', recursiveReadOnlyMounts: false, userNamespaces: false },
    { name: 'crun', recursiveReadOnlyMounts: true, userNamespaces: false },
  ]
  expect(canRecurse(handlers, '')).toBe(false)
  expect(canRecurse(handlers, 'crun')).toBe(true)
  expect(canRecurse([], '')).toBe(false)
})

test('a pod that insists waits with a reason on a node whose runtime cannot; the node says what it can', async () => {
  await using f = new Fixture()
  const status = f.runtime.status.bind(f.runtime)
  f.runtime.status = async () => ({ ...(await status()), handlers: [] })
  await f.start()
  const asking = (mode: string) => ({
    containers: [container('web', { volumeMounts: [{ ...mount(), recursiveReadOnly: mode }] })],
    volumes: [{ name: 'data', emptyDir: {} }],
  })
  const refused = await f.run('insists', asking('Enabled'))
  expect(refused.status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
    reason: 'CreateContainerConfigError',
    message: expect.stringContaining("which this node's container runtime cannot do"),
  })
  const taken = await f.run('asks', asking('IfPossible'))
  expect(taken.status?.containerStatuses?.[0]).toMatchObject({
    state: { running: {} },
    volumeMounts: [{ name: 'data', recursiveReadOnly: 'Disabled' }],
  })
})
