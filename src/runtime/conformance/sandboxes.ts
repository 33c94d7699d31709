import { expect, test } from 'vitest'
import { never, type Subject, sleeping } from './subject.ts'

/** Pods as the runtime keeps and shows them. */
export function keepsSandboxes(on: Subject): void {
  const { pod, see, run } = on

  test('it says what it is and that it is ready', async () => {
    expect(await on.runtime.version()).toEqual({ name: expect.any(String), version: expect.stringMatching(/\d/) })
    expect(await on.runtime.status()).toMatchObject({ runtimeReady: true, networkReady: true })
  })

  test('a sandbox lives, is stopped and gives its address back, and is gone; gone twice is fine', async () => {
    const [one, two] = [pod(), pod()]
    const first = await on.bench.during(on.runtime.runSandbox(one, never))
    const second = await on.bench.during(on.runtime.runSandbox(two, never))
    const observed = await see(one.uid)
    expect(observed).toEqual({
      uid: one.uid,
      name: one.name,
      namespace: 'conformance',
      sandboxes: [
        {
          id: first,
          attempt: 0,
          state: 'ready',
          createdAtMs: expect.any(Number),
          ips: [expect.stringMatching(/^10\./)],
        },
      ],
      containers: [],
    })
    expect((await see(two.uid))?.sandboxes[0]?.ips).not.toEqual(observed?.sandboxes[0]?.ips)
    await on.bench.during(on.runtime.stopSandbox(first))
    expect((await see(one.uid))?.sandboxes).toMatchObject([{ id: first, state: 'stopped', ips: [] }])
    await on.bench.during(on.runtime.stopSandbox(first))
    await on.bench.during(on.runtime.remove(first))
    expect(await see(one.uid)).toBeUndefined()
    await on.bench.during(on.runtime.remove(first))
    await on.bench.during(on.runtime.remove(second))
  })

  test('a pod on the host network has no address of its own', async () => {
    const spec = pod(sleeping, { hostNetwork: true })
    const sandbox = await on.bench.during(on.runtime.runSandbox(spec, never))
    expect((await see(spec.uid))?.sandboxes[0]?.ips).toEqual([])
    await on.bench.during(on.runtime.remove(sandbox))
  })

  test('the second sandbox of a pod is listed before the first', async () => {
    const spec = pod()
    const first = await on.bench.during(on.runtime.runSandbox(spec, never))
    await on.bench.during(on.runtime.stopSandbox(first))
    const second = await on.bench.during(on.runtime.runSandbox({ ...spec, attempt: 1 }, never))
    expect((await see(spec.uid))?.sandboxes.map(s => [s.id, s.state])).toEqual([
      [second, 'ready'],
      [first, 'stopped'],
    ])
    await on.bench.during(on.runtime.remove(first))
    await on.bench.during(on.runtime.remove(second))
  })

  test('one pod is observed by itself', async () => {
    const { uid, remove } = await run(sleeping)
    const all = (await on.runtime.observe()).filter(pod => pod.uid === uid)
    expect(await on.runtime.observe(uid)).toEqual(all)
    expect(all).toHaveLength(1)
    await remove()
    expect(await on.runtime.observe(uid)).toEqual([])
  })
}
