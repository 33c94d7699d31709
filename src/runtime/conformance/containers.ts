import { expect, test } from 'vitest'
import { ContainerStartFailed } from '../runtime.ts'
import { never, type Subject, sleeping } from './subject.ts'

/** Containers: what is seen of them, and how they end. */
export function runsContainers(on: Subject): void {
  const { pod, container, see, ended, run, output } = on

  test('a running container is observed whole', async () => {
    const { uid, sandbox, id, spec, remove } = await run(sleeping, { annotations: { note: 'x' } })
    expect((await see(uid))?.containers).toEqual([
      {
        id,
        sandbox,
        name: 'main',
        attempt: 0,
        image: on.bench.image,
        imageRef: expect.stringContaining('sha256:'),
        state: 'running',
        createdAtMs: expect.any(Number),
        startedAtMs: expect.any(Number),
        labels: expect.objectContaining({ tier: 'test' }),
        annotations: { note: 'x' },
        logPath: `${spec.logFolder}/main/0.log`,
      },
    ])
    await remove()
    expect(await see(uid)).toBeUndefined()
  })

  test.each([
    { script: 'exit 0', simulated: ['exit-code', '0'], ends: { exitCode: 0, reason: 'Completed' } },
    { script: 'exit 3', simulated: ['exit-code', '3'], ends: { exitCode: 3, reason: 'Error' } },
    // The kernel spares the first process of a namespace its own signals; a child gets them.
    {
      script: "sh -c 'kill -11 $$'; exit $?",
      simulated: ['exit-signal', '11'],
      ends: { exitCode: 139, reason: 'Error', signal: 11 },
    },
  ])('`$script` ends as $ends', async ({ script, simulated: [key, value], ends }) => {
    const { uid, id, remove } = await run({ script, simulated: { [key!]: value! } })
    const container = await ended(uid, id)
    expect({ ...container }).toMatchObject({ state: 'exited', ...ends })
    expect(container.finishedAtMs).toBeGreaterThanOrEqual(container.startedAtMs!)
    await remove()
  })

  test('a next attempt stands beside the one before, each with its own log', async () => {
    const spec = pod({ main: { script: '', simulated: { 'exit-code': '1', 'exit-times': '1', log: 'hello' } } })
    const sandbox = await on.bench.during(on.runtime.runSandbox(spec, never))
    const first = await on.bench.during(on.runtime.start(sandbox, container({ script: 'echo hello; exit 1' })))
    await ended(spec.uid, first)
    const second = await on.bench.during(
      on.runtime.start(sandbox, container({ script: 'echo hello; sleep 1000' }, { attempt: 1 })),
    )
    expect((await see(spec.uid))?.containers.map(c => [c.id, c.attempt, c.state])).toEqual([
      [first, 0, 'exited'],
      [second, 1, 'running'],
    ])
    await on.bench.during(on.runtime.removeContainer(first))
    expect((await see(spec.uid))?.containers.map(c => c.id)).toEqual([second])
    await on.bench.until('the second log', async () => ((await output(second)) === 'hello\n' ? true : undefined))
    await on.bench.during(on.runtime.remove(sandbox))
  })

  test('SIGTERM comes first; a program that obeys ends with its own code', async () => {
    const { uid, id, remove } = await run({ script: "trap 'exit 0' TERM; while :; do sleep 0.05; done" })
    await on.bench.during(on.runtime.stop(id, 30_000))
    expect((await ended(uid, id)).exitCode).toBe(0)
    await on.bench.during(on.runtime.stop(id, 30_000))
    await remove()
    await on.bench.during(on.runtime.stop(id, 30_000))
  })

  test('SIGKILL ends what is deaf to SIGTERM, after the grace', async () => {
    const { uid, id, remove } = await run({
      script: "trap '' TERM; while :; do sleep 0.05; done",
      simulated: { 'ignore-sigterm': 'true' },
    })
    await on.bench.during(on.runtime.stop(id, 1_000))
    const container = await ended(uid, id)
    expect([container.exitCode, container.signal]).toEqual([137, 9])
    expect(container.finishedAtMs! - container.startedAtMs!).toBeGreaterThanOrEqual(1_000)
    await remove()
  })

  test('a running container is not removed', async () => {
    const { uid, id, remove } = await run(sleeping)
    await expect(on.runtime.removeContainer(id)).rejects.toThrow('container main is running: stop it first')
    expect((await see(uid))?.containers).toHaveLength(1)
    await remove()
  })

  test('a program that is not there fails with its name and leaves an ended container', async () => {
    const spec = pod({ main: { script: '', simulated: { 'start-error': 'exec: "/nope": not found' } } })
    const sandbox = await on.bench.during(on.runtime.runSandbox(spec, never))
    const failure = await on.bench
      .during(on.runtime.start(sandbox, container(sleeping, { command: ['/nope'] })))
      .catch(error => error)
    expect(failure).toBeInstanceOf(ContainerStartFailed)
    expect([failure.reason, failure.message]).toEqual(['RunContainerError', expect.stringContaining('"/nope"')])
    expect((await see(spec.uid))?.containers).toMatchObject([
      { state: 'exited', exitCode: 128, reason: 'StartError', message: expect.stringContaining('"/nope"') },
    ])
    await on.bench.during(on.runtime.remove(sandbox))
  })
}
