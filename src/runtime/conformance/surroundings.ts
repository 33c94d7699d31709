import { expect, test } from 'vitest'
import { RuntimeUnavailable } from '../runtime.ts'
import { type Subject, sleeping } from './subject.ts'

/** Who comes and goes beside it, and what is left in the end. */
export function standsInterruptions(on: Subject): void {
  const { pod, container, see, run } = on

  test('a new process of ours sees everything, and goes on with it', async () => {
    const { uid, sandbox, id, remove } = await run(sleeping)
    const before = await see(uid)
    await using again = on.bench.reopen()
    expect(await see(uid, again)).toEqual(before)
    const beside = await on.bench.during(again.start(sandbox, container(sleeping, { name: 'beside' })))
    expect((await see(uid))?.containers.map(c => c.id)).toEqual([id, beside])
    expect(await on.bench.during(again.exec(beside, ['hostname'], 5_000))).toMatchObject({
      stdout: `${before?.name}\n`,
    })
    await remove()
  })

  test('whoever listens hears of the end, and then sees it', async () => {
    const heard: { uid: string | undefined; state: string | undefined }[] = []
    const states: Promise<void>[] = []
    const { uid, remove } = await run({
      script: 'sleep 0.5; exit 1',
      simulated: { 'exit-code': '1', 'exit-after': '500ms' },
    })
    const stop = on.runtime.onChange(changed => {
      states.push(see(uid).then(p => void heard.push({ uid: changed, state: p?.containers[0]?.state })))
    })
    await on.bench.until('the news', async () =>
      heard.some(h => h.uid === uid && h.state === 'exited') ? true : undefined,
    )
    // The first to be told of this pod's end must not have found it running.
    await Promise.all(states)
    expect(heard.filter(h => h.uid === uid)[0]).toEqual({ uid, state: 'exited' })
    stop()
    await remove()
  })

  test('usage is counted by container', async () => {
    const { uid, id, remove } = await run({ script: 'while :; do :; done', simulated: { 'cpu-millis': '900' } })
    const usage = await on.bench.until('some usage', async () => {
      const found = (await on.runtime.stats()).find(p => p.uid === uid)?.containers.find(c => c.id === id)
      return found && found.cpuNanoseconds > 100_000_000 ? found : undefined
    })
    expect(usage).toMatchObject({ name: 'main', memoryWorkingSetBytes: expect.any(Number) })
    expect(usage.memoryWorkingSetBytes).toBeGreaterThan(0)
    await remove()
  })

  test('while the runtime is away calls say so at once; afterwards all is as it was', async () => {
    const { uid, id, remove } = await run(sleeping)
    const comeBack = await on.bench.interrupt()
    await expect(on.runtime.observe()).rejects.toBeInstanceOf(RuntimeUnavailable)
    await comeBack()
    const observed = await on.bench.until('the return', async () => see(uid).catch(() => undefined))
    expect(observed.containers).toMatchObject([{ id, state: 'running' }])
    await remove()
  })

  test('a call that is given up is over at once', async () => {
    const stop = new AbortController()
    stop.abort(new Error('given up'))
    await expect(on.runtime.runSandbox(pod(), stop.signal).then(id => on.runtime.remove(id))).rejects.toThrow(
      'given up',
    )
  })

  test('nothing is left behind', async () => {
    for (const { sandboxes } of await on.runtime.observe())
      for (const { id } of sandboxes) await on.bench.during(on.runtime.remove(id))
    expect(await on.runtime.observe()).toEqual([])
    expect(await on.bench.leaks()).toEqual([])
  })
}
