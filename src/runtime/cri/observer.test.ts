import { expect, test } from 'vitest'
import { settle } from '../../base/virtual-clock.ts'
import type { Connection } from './connection.ts'
import { Observer } from './observer.ts'

const labels = { 'io.kubernetes.pod.uid': 'u' }
const metadata = { name: 'web', namespace: 'a', uid: 'u', attempt: 0 }

/** A containerd with the sandbox `s` and whatever containers it is told of, and all that it was asked. */
function containerd() {
  const containers = new Map<string, object>()
  const asked: string[] = []
  let sandboxes = [{ id: 's', metadata, state: 'SANDBOX_READY', created_at: 1e9, labels }]
  /** What a list says is settled when it is asked for, not when the answer is read. */
  let held: Promise<void> | undefined
  const connection = {
    async runtime(method: string, { container_id }: { container_id?: string }) {
      asked.push(method)
      const lists = { containers: [...containers.values()], items: sandboxes }
      if (method.startsWith('List')) await held
      if (method === 'ContainerStatus') return { status: containers.get(container_id!) ?? null }
      if (method === 'PodSandboxStatus')
        return { status: { ...sandboxes[0], network: { ip: '10.0.0.2', additional_ips: [] } } }
      return lists
    },
  } as unknown as Connection
  const container = (id: string, state = 'CONTAINER_RUNNING') =>
    containers.set(id, {
      ...{ id, pod_sandbox_id: 's', metadata: { name: id, attempt: 0 }, image: { image: 'i' }, image_ref: 'r', state },
      ...{ created_at: 2e9, started_at: 3e9, finished_at: 4e9, exit_code: 0, reason: '', message: '', labels },
      ...{ annotations: {}, log_path: '/l' },
    })
  return {
    observer: new Observer(connection, undefined),
    container,
    /** @returns what was asked since the last time */
    asked: () => asked.splice(0).sort(),
    hold: (until: Promise<void>) => {
      held = until
    },
    withoutSandbox: () => {
      sandboxes = []
    },
  }
}

type Containerd = ReturnType<typeof containerd>

/** As the runtime does it. */
function start({ observer, container }: Containerd, id: string): void {
  observer.remember(id, 'u')
  container(id)
  observer.containerStarted(id, 's')
}

const states = async ({ observer }: Containerd) =>
  (await observer.observe('u')).map(({ sandboxes, containers }) => [
    ...sandboxes.map(s => `${s.id} ${s.state} ${s.ips}`),
    ...containers.map(c => `${c.id} ${c.state} ${c.startedAtMs}`),
  ])

test('a pod that we make ourselves is known by what is asked of each new part of it, without lists', async () => {
  const c = containerd()
  c.observer.hearing = true
  await c.observer.observe()
  c.asked()
  // Of another pod, which was not there when everything was listed.
  expect([c.observer.isNew('v'), c.observer.isNew('v'), c.observer.isNew('u')]).toEqual([true, false, false])
  c.observer.remember('s', 'v')
  c.observer.sandboxStarted('s', 'v', true)
  c.observer.remember('one', 'v')
  c.container('one')
  c.observer.containerStarted('one', 's')
  const [pod] = await c.observer.observe('v')
  expect(pod).toMatchObject({
    ...{ uid: 'v', name: 'web', namespace: 'a' },
    sandboxes: [{ id: 's', state: 'ready', ips: ['10.0.0.2'] }],
    containers: [{ id: 'one', state: 'running', startedAtMs: 3_000 }],
  })
  expect(c.asked()).toEqual(['ContainerStatus', 'PodSandboxStatus'])
})

test('before everything was listed once no pod is new', () => {
  expect(containerd().observer.isNew('u')).toBe(false)
})

test('a pod that was listed needs no list for what we start in it, until something else happens', async () => {
  const c = containerd()
  c.observer.hearing = true
  expect(await states(c)).toEqual([['s ready 10.0.0.2']])
  c.asked()
  start(c, 'one')
  expect(await states(c)).toEqual([['s ready 10.0.0.2', 'one running 3000']])
  expect(c.asked()).toEqual(['ContainerStatus'])
  c.container('one', 'CONTAINER_EXITED')
  c.observer.doubt('u')
  expect(await states(c)).toEqual([['s ready 10.0.0.2', 'one exited 3000']])
  expect(c.asked()).toContain('ListContainers')
  c.withoutSandbox()
  c.observer.doubt()
  expect(await states(c)).toEqual([])
})

test('while events may be missed, every look is a list', async () => {
  const c = containerd()
  await states(c)
  c.asked()
  start(c, 'one')
  await states(c)
  expect(c.asked()).toContain('ListContainers')
  c.observer.hearing = true
  await states(c)
  c.observer.hearing = false
  c.asked()
  await states(c)
  expect(c.asked()).toContain('ListContainers')
})

test('a list that was on its way while something was started is not kept', async () => {
  const c = containerd()
  c.observer.hearing = true
  let come!: () => void
  c.hold(new Promise(resolve => (come = resolve)))
  const looking = states(c)
  await settle(8)
  start(c, 'one')
  come()
  expect(await looking).toEqual([['s ready 10.0.0.2']])
  expect(await states(c)).toEqual([['s ready 10.0.0.2', 'one running 3000']])
})

test('a look at everything shows what others did to a pod that was certain', async () => {
  const c = containerd()
  c.observer.hearing = true
  await states(c)
  c.withoutSandbox()
  expect(await c.observer.observe()).toEqual([])
  expect(await states(c)).toEqual([])
})
