import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ContainerSpec,
  ContainerStartFailed,
  ImagePullFailed,
  type ObservedPod,
  type Runtime,
  RuntimeFailed,
  RuntimeUnavailable,
  type SandboxSpec,
} from './runtime.ts'
import { containerSpec, podSpec } from './testing/specs.ts'

/** What the suite needs of a place to run in. */
export interface RuntimeBench extends AsyncDisposable {
  runtime: Runtime
  /** The same runtime seen by a new process of ours, which remembers nothing. */
  reopen(): Runtime
  /** An image with a shell that can be pulled. */
  image: string
  /** Images that cannot be pulled, and what people must be told. */
  badImages: { what: string; image: string; says: RegExp; options?: Parameters<Runtime['pull']>[1] }[]
  /** Lets time pass until it holds; fails after `withinMs`. */
  until<T>(what: string, holds: () => Promise<T | undefined>, withinMs?: number): Promise<T>
  /** Lets time pass while something is under way. */
  during<T>(work: Promise<T>): Promise<T>
  logFolder: string
  /** The runtime goes away and comes back; containers go on. */
  interrupt(): Promise<() => Promise<void>>
  /** What was left behind after everything was removed, one line each. */
  leaks(): Promise<string[]>
}

/** A program in both forms: for real runtimes a shell script, for the simulated one its annotations. */
interface Program {
  script: string
  simulated?: Record<string, string>
}

const sleeping: Program = { script: 'sleep 1000' }
const never = new AbortController().signal

/** The promises of the Runtime interface, kept by every implementation. */
export function runtimeConformance(name: string, open: () => Promise<RuntimeBench>): void {
  describe(`runtime conformance: ${name}`, () => {
    let bench: RuntimeBench
    let runtime: Runtime
    let imageRef = ''
    let pods = 0

    beforeAll(async () => {
      bench = await open()
      runtime = bench.runtime
      imageRef = await bench.during(runtime.pull(bench.image, {}, never))
    })
    afterAll(async () => {
      await bench?.[Symbol.asyncDispose]()
    })

    function pod(program: Program | Record<string, Program> = sleeping, more: Partial<SandboxSpec> = {}): SandboxSpec {
      const name = `pod-${++pods}`
      const programs = 'script' in program ? { main: program as Program } : program
      const annotations: Record<string, string> = {}
      for (const [container, { simulated }] of Object.entries(programs))
        for (const [key, value] of Object.entries(simulated ?? {}))
          annotations[`simulated.optiflow.dev/${key}.${container}`] = value
      return podSpec(name, {
        namespace: 'conformance',
        labels: { app: name },
        annotations,
        logFolder: `${bench.logFolder}/${name}`,
        ...more,
      })
    }

    function container(program: Program = sleeping, more: Partial<ContainerSpec> = {}): ContainerSpec {
      return containerSpec(bench.image, imageRef, program.script, {
        env: [{ name: 'COLOR', value: 'blue' }],
        labels: { tier: 'test' },
        ...more,
      })
    }

    const see = async (uid: string, by = runtime): Promise<ObservedPod | undefined> =>
      (await by.observe()).find(p => p.uid === uid)

    const ended = (uid: string, id: string) =>
      bench.until('the end of the container', async () =>
        (await see(uid))?.containers.find(c => c.id === id && c.state === 'exited'),
      )

    async function run(program: Program, more: Partial<ContainerSpec> = {}) {
      const spec = pod(program)
      const sandbox = await bench.during(runtime.runSandbox(spec, never))
      const id = await bench.during(runtime.start(sandbox, container(program, more)))
      return { uid: spec.uid, spec, sandbox, id, remove: () => bench.during(runtime.remove(sandbox)) }
    }

    async function output(
      id: string,
      options: Parameters<Runtime['logs']>[1] = {},
      by: Runtime = runtime,
    ): Promise<string> {
      let all = ''
      for await (const chunk of by.logs(id, options, never)) all += Buffer.from(chunk).toString()
      return all
    }

    test('it says what it is and that it is ready', async () => {
      expect(await runtime.version()).toEqual({ name: expect.any(String), version: expect.stringMatching(/\d/) })
      expect(await runtime.status()).toMatchObject({ runtimeReady: true, networkReady: true })
    })

    test('a sandbox lives, is stopped and gives its address back, and is gone; gone twice is fine', async () => {
      const [one, two] = [pod(), pod()]
      const first = await bench.during(runtime.runSandbox(one, never))
      const second = await bench.during(runtime.runSandbox(two, never))
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
      await bench.during(runtime.stopSandbox(first))
      expect((await see(one.uid))?.sandboxes).toMatchObject([{ id: first, state: 'stopped', ips: [] }])
      await bench.during(runtime.stopSandbox(first))
      await bench.during(runtime.remove(first))
      expect(await see(one.uid)).toBeUndefined()
      await bench.during(runtime.remove(first))
      await bench.during(runtime.remove(second))
    })

    test('a pod on the host network has no address of its own', async () => {
      const spec = pod(sleeping, { hostNetwork: true })
      const sandbox = await bench.during(runtime.runSandbox(spec, never))
      expect((await see(spec.uid))?.sandboxes[0]?.ips).toEqual([])
      await bench.during(runtime.remove(sandbox))
    })

    test('the second sandbox of a pod is listed before the first', async () => {
      const spec = pod()
      const first = await bench.during(runtime.runSandbox(spec, never))
      await bench.during(runtime.stopSandbox(first))
      const second = await bench.during(runtime.runSandbox({ ...spec, attempt: 1 }, never))
      expect((await see(spec.uid))?.sandboxes.map(s => [s.id, s.state])).toEqual([
        [second, 'ready'],
        [first, 'stopped'],
      ])
      await bench.during(runtime.remove(first))
      await bench.during(runtime.remove(second))
    })

    test('one pod is observed by itself', async () => {
      const { uid, remove } = await run(sleeping)
      const all = (await runtime.observe()).filter(pod => pod.uid === uid)
      expect(await runtime.observe(uid)).toEqual(all)
      expect(all).toHaveLength(1)
      await remove()
      expect(await runtime.observe(uid)).toEqual([])
    })

    test('a running container is observed whole', async () => {
      const { uid, sandbox, id, spec, remove } = await run(sleeping, { annotations: { note: 'x' } })
      expect((await see(uid))?.containers).toEqual([
        {
          id,
          sandbox,
          name: 'main',
          attempt: 0,
          image: bench.image,
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
      const sandbox = await bench.during(runtime.runSandbox(spec, never))
      const first = await bench.during(runtime.start(sandbox, container({ script: 'echo hello; exit 1' })))
      await ended(spec.uid, first)
      const second = await bench.during(
        runtime.start(sandbox, container({ script: 'echo hello; sleep 1000' }, { attempt: 1 })),
      )
      expect((await see(spec.uid))?.containers.map(c => [c.id, c.attempt, c.state])).toEqual([
        [first, 0, 'exited'],
        [second, 1, 'running'],
      ])
      await bench.during(runtime.removeContainer(first))
      expect((await see(spec.uid))?.containers.map(c => c.id)).toEqual([second])
      await bench.until('the second log', async () => ((await output(second)) === 'hello\n' ? true : undefined))
      await bench.during(runtime.remove(sandbox))
    })

    test('SIGTERM comes first; a program that obeys ends with its own code', async () => {
      const { uid, id, remove } = await run({ script: "trap 'exit 0' TERM; while :; do sleep 0.05; done" })
      await bench.during(runtime.stop(id, 30_000))
      expect((await ended(uid, id)).exitCode).toBe(0)
      await bench.during(runtime.stop(id, 30_000))
      await remove()
      await bench.during(runtime.stop(id, 30_000))
    })

    test('SIGKILL ends what is deaf to SIGTERM, after the grace', async () => {
      const { uid, id, remove } = await run({
        script: "trap '' TERM; while :; do sleep 0.05; done",
        simulated: { 'ignore-sigterm': 'true' },
      })
      await bench.during(runtime.stop(id, 1_000))
      const container = await ended(uid, id)
      expect([container.exitCode, container.signal]).toEqual([137, 9])
      expect(container.finishedAtMs! - container.startedAtMs!).toBeGreaterThanOrEqual(1_000)
      await remove()
    })

    test('a running container is not removed', async () => {
      const { uid, id, remove } = await run(sleeping)
      await expect(runtime.removeContainer(id)).rejects.toThrow('container main is running: stop it first')
      expect((await see(uid))?.containers).toHaveLength(1)
      await remove()
    })

    test('a program that is not there fails with its name and leaves an ended container', async () => {
      const spec = pod({ main: { script: '', simulated: { 'start-error': 'exec: "/nope": not found' } } })
      const sandbox = await bench.during(runtime.runSandbox(spec, never))
      const failure = await bench
        .during(runtime.start(sandbox, container(sleeping, { command: ['/nope'] })))
        .catch(error => error)
      expect(failure).toBeInstanceOf(ContainerStartFailed)
      expect([failure.reason, failure.message]).toEqual(['RunContainerError', expect.stringContaining('"/nope"')])
      expect((await see(spec.uid))?.containers).toMatchObject([
        { state: 'exited', exitCode: 128, reason: 'StartError', message: expect.stringContaining('"/nope"') },
      ])
      await bench.during(runtime.remove(sandbox))
    })

    test('output is read whole, from its tail, with time stamps, and up to a limit', async () => {
      const { uid, id, remove } = await run({
        script: 'echo one; echo two; echo three',
        simulated: { 'exit-code': '0', log: 'one\ntwo\nthree' },
      })
      const container = await ended(uid, id)
      expect(await output(id)).toBe('one\ntwo\nthree\n')
      expect(await output(id, { tailLines: 2 })).toBe('two\nthree\n')
      expect(await output(id, { limitBytes: 5 })).toBe('one\nt')
      expect(await output(id, { tailLines: 1, timestamps: true })).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z three\n$/,
      )
      expect(await output(id, { sinceMs: container.finishedAtMs! + 5_000 })).toBe('')
      await remove()
    })

    test('a follower reads on until the container ends, and stops when told', async () => {
      const { id, remove } = await run({
        script: 'for i in 1 2 3; do echo line $i; sleep 0.3; done',
        simulated: { log: 'line 1\nline 2\nline 3', 'exit-after': '1s' },
      })
      expect(await bench.during(output(id, { follow: true }))).toBe('line 1\nline 2\nline 3\n')
      await remove()
      const forever = await run(sleeping)
      const stop = new AbortController()
      const reading = (async () => {
        for await (const _ of runtime.logs(forever.id, { follow: true }, stop.signal));
      })()
      stop.abort()
      await bench.during(reading)
      await forever.remove()
    })

    test('a command runs in the container and says how it ended', async () => {
      const { id, remove } = await run(sleeping)
      expect(await bench.during(runtime.exec(id, ['sh', '-c', 'echo $COLOR; echo bad >&2; exit 4'], 10_000))).toEqual({
        exitCode: 4,
        stdout: 'blue\n',
        stderr: 'bad\n',
        timedOut: false,
      })
      await remove()
    })

    test('a command that takes too long is ended', async () => {
      const { id, remove } = await run(sleeping)
      expect(await bench.during(runtime.exec(id, ['sleep', '60'], 1_000))).toMatchObject({ timedOut: true })
      await remove()
    })

    test('a command in a container that has ended fails', async () => {
      const { uid, id, remove } = await run({ script: 'exit 0', simulated: { 'exit-code': '0' } })
      await ended(uid, id)
      await expect(bench.during(runtime.exec(id, ['true'], 1_000))).rejects.toBeInstanceOf(RuntimeFailed)
      const streams = { stdout: new PassThrough(), tty: false }
      await expect(bench.during(runtime.execStream(id, ['true'], streams, never))).rejects.toBeInstanceOf(RuntimeFailed)
      await remove()
    })

    test('the end of the input reaches the command, whose output goes on', async () => {
      const { id, remove } = await run(sleeping)
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
      const code = runtime.execStream(id, ['cat'], { stdin, stdout, stderr, tty: false }, never)
      stdin.write('to be ')
      stdin.end('continued')
      expect(await bench.during(code)).toBe(0)
      expect(String(stdout.read())).toBe('to be continued')
      await remove()
    })

    test('streams are kept apart, and the exit code comes back', async () => {
      const { id, remove } = await run(sleeping)
      const [stdout, stderr] = [new PassThrough(), new PassThrough()]
      const code = runtime.execStream(
        id,
        ['sh', '-c', 'echo out; echo err >&2; exit 5'],
        { stdout, stderr, tty: false },
        never,
      )
      expect(await bench.during(code)).toBe(5)
      expect([String(stdout.read()), String(stderr.read())]).toEqual(['out\n', 'err\n'])
      await remove()
    })

    test('a port of the pod answers', async () => {
      const { sandbox, remove } = await run({
        script: 'mkdir -p /tmp/www; echo simulated pod > /tmp/www/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp/www',
      })
      const answer = await bench.until('an answer', async () => {
        const { readable, writable } = await runtime.portForward(sandbox, 8080, never)
        writable.write('GET / HTTP/1.0\r\n\r\n')
        let text = ''
        try {
          for await (const chunk of readable) text += String(chunk)
        } catch {
          return undefined
        }
        return text || undefined
      })
      expect(answer).toMatch(/^HTTP\/1\.[01] 200 OK[\s\S]*simulated pod/)
      await remove()
    })

    test('images are pulled, listed and removed', async () => {
      expect(await runtime.imagePresent(bench.image)).toBe(imageRef)
      const images = await runtime.images()
      expect(images.find(i => i.ref === imageRef)).toMatchObject({
        names: expect.arrayContaining([bench.image]),
        sizeBytes: expect.any(Number),
      })
      await runtime.removeImage(imageRef)
      await bench.until('its absence', async () => ((await runtime.imagePresent(bench.image)) ? undefined : true))
      imageRef = await bench.during(runtime.pull(bench.image, {}, never))
      expect(await runtime.imagePresent(bench.image)).toBe(imageRef)
    })

    test('an image that cannot be pulled says why', async () => {
      const said: [string, string][] = []
      for (const { what, image, options, says } of bench.badImages) {
        const failure = await bench.during(runtime.pull(image, options ?? {}, never)).catch(error => error)
        expect([what, failure]).toEqual([what, expect.any(ImagePullFailed)])
        expect(failure.message).toMatch(says)
        said.push([what, failure.message])
      }
      expect(said).toHaveLength(bench.badImages.length)
    })

    test('a new process of ours sees everything, and goes on with it', async () => {
      const { uid, sandbox, id, remove } = await run(sleeping)
      const before = await see(uid)
      await using again = bench.reopen()
      expect(await see(uid, again)).toEqual(before)
      const beside = await bench.during(again.start(sandbox, container(sleeping, { name: 'beside' })))
      expect((await see(uid))?.containers.map(c => c.id)).toEqual([id, beside])
      expect(await bench.during(again.exec(beside, ['hostname'], 5_000))).toMatchObject({
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
      const stop = runtime.onChange(changed => {
        states.push(see(uid).then(p => void heard.push({ uid: changed, state: p?.containers[0]?.state })))
      })
      await bench.until('the news', async () =>
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
      const usage = await bench.until('some usage', async () => {
        const found = (await runtime.stats()).find(p => p.uid === uid)?.containers.find(c => c.id === id)
        return found && found.cpuNanoseconds > 100_000_000 ? found : undefined
      })
      expect(usage).toMatchObject({ name: 'main', memoryWorkingSetBytes: expect.any(Number) })
      expect(usage.memoryWorkingSetBytes).toBeGreaterThan(0)
      await remove()
    })

    test('while the runtime is away calls say so at once; afterwards all is as it was', async () => {
      const { uid, id, remove } = await run(sleeping)
      const comeBack = await bench.interrupt()
      await expect(runtime.observe()).rejects.toBeInstanceOf(RuntimeUnavailable)
      await comeBack()
      const observed = await bench.until('the return', async () => see(uid).catch(() => undefined))
      expect(observed.containers).toMatchObject([{ id, state: 'running' }])
      await remove()
    })

    test('a call that is given up is over at once', async () => {
      const stop = new AbortController()
      stop.abort(new Error('given up'))
      await expect(runtime.runSandbox(pod(), stop.signal).then(id => runtime.remove(id))).rejects.toThrow('given up')
    })

    test('nothing is left behind', async () => {
      for (const { sandboxes } of await runtime.observe())
        for (const { id } of sandboxes) await bench.during(runtime.remove(id))
      expect(await runtime.observe()).toEqual([])
      expect(await bench.leaks()).toEqual([])
    })
  })
}
