import { PassThrough, type Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ContainerSpec, Runtime, SandboxId } from '../runtime.ts'
import { type ContainerdBench, openContainerdBench } from '../testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../testing/specs.ts'

let bench: ContainerdBench
let runtime: Runtime
let imageRef: string
let sandbox: SandboxId
let containers = 0
const never = new AbortController().signal

beforeAll(async () => {
  bench = await openContainerdBench()
  runtime = bench.runtime
  imageRef = await runtime.pull(bench.image, {}, never)
  sandbox = await runtime.runSandbox(podSpec('streams', { logFolder: `${bench.logFolder}/streams` }), never)
})
afterAll(async () => bench?.[Symbol.asyncDispose]())

function start(script: string, more: Partial<ContainerSpec> = {}) {
  const spec = containerSpec(bench.image, imageRef, script, { name: `c${++containers}`, ...more })
  return runtime.start(sandbox, spec)
}

/** What a stream gives until it holds `text`. */
async function until(stream: Readable, text: string): Promise<string> {
  let all = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    all += String(chunk)
    if (all.includes(text)) return all
  }
  throw new Error(`the stream ended before ${JSON.stringify(text)}: ${JSON.stringify(all)}`)
}

test('a terminal knows its size, echoes, and says so when it is resized', async () => {
  const id = await start('sleep 1000')
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const sizes = new PassThrough({ objectMode: true })
  const resize = (async function* () {
    for await (const size of sizes) yield size as { width: number; height: number }
  })()
  const code = runtime.execStream(id, ['sh'], { stdin, stdout, tty: true, resize }, never)
  await until(stdout, '# ')
  sizes.write({ width: 101, height: 33 })
  await bench.until('the size', async () => {
    stdin.write('stty size\n')
    return (await until(stdout, '# ')).includes('33 101') ? true : undefined
  })
  stdin.write('tty; echo $TERM; exit 9\n')
  expect(await code).toBe(9)
  expect(await until(stdout, 'xterm')).toMatch(/\/dev\/pts\/\d\r\nxterm/)
})

test('ten megabytes go in and come out as they were', async () => {
  const id = await start('sleep 1000')
  const data = Buffer.alloc(10 << 20, 'the quick brown fox ')
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const code = runtime.execStream(id, ['sh', '-c', 'cat'], { stdin, stdout, tty: false }, never)
  stdin.end(data)
  const chunks: Buffer[] = []
  stdout.on('data', chunk => chunks.push(chunk))
  expect(await code).toBe(0)
  expect(Buffer.concat(chunks).equals(data)).toBe(true)
})

test('a slow reader holds the command back, and loses nothing', async () => {
  const id = await start('sleep 1000')
  const stdout = new PassThrough({ highWaterMark: 1024 })
  const code = runtime.execStream(id, ['seq', '1', '60000'], { stdout, tty: false }, never)
  await new Promise(resolve => setTimeout(resolve, 300))
  let text = ''
  stdout.on('data', chunk => (text += chunk))
  expect(await code).toBe(0)
  await bench.until('the last line', async () => (text.endsWith('\n60000\n') ? true : undefined))
  expect(text.split('\n')).toHaveLength(60_001)
})

test('a command that nobody waits for any more is ended', async () => {
  const id = await start('sleep 1000')
  const stop = new AbortController()
  const work = runtime.execStream(id, ['sleep', '777'], { stdout: new PassThrough(), tty: false }, stop.signal)
  await bench.until('its start', async () => ((await processes(id)).includes('sleep 777') ? true : undefined))
  stop.abort()
  await work.catch(() => {})
  await bench.until('its end', async () => ((await processes(id)).includes('sleep 777') ? undefined : true))
})

test('a child left in the background does not hold the answer back', async () => {
  const id = await start('sleep 1000')
  const stdout = new PassThrough()
  const began = performance.now()
  expect(await runtime.execStream(id, ['sh', '-c', 'sleep 100 & echo started'], { stdout, tty: false }, never)).toBe(0)
  expect(String(stdout.read())).toBe('started\n')
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('a program that is not there says so', async () => {
  const id = await start('sleep 1000')
  await expect(runtime.execStream(id, ['nope'], { stdout: new PassThrough(), tty: false }, never)).rejects.toThrow(
    /cannot run nope: .*"nope": executable file not found in \$PATH/,
  )
  await expect(runtime.exec(id, ['nope'], 1_000)).rejects.toThrow(/cannot run nope: .*executable file not found/)
})

test('attached input reaches the program, and its end as well; the output goes on after it', async () => {
  const id = await start('while read line; do echo got $line; done; echo end of input; exit 6', {
    stdin: true,
    stdinOnce: true,
  })
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const attached = runtime.attach(id, { stdin, stdout, stderr, tty: false }, never)
  stdin.write('one\n')
  expect(await until(stdout, 'got one\n')).toBe('got one\n')
  stdin.end('two\n')
  expect(await until(stdout, 'input\n')).toBe('got two\nend of input\n')
  await attached
  const container = await bench.until('its end', async () => seen(id, 'exited'))
  expect(container.exitCode).toBe(6)
})

test('who leaves an input that others may go on with leaves the program waiting', async () => {
  const id = await start('while read line; do echo got $line; done; echo end of input', { stdin: true })
  for (const word of ['one', 'two']) {
    const [stdin, stdout] = [new PassThrough(), new PassThrough()]
    const attached = runtime.attach(id, { stdin, stdout, tty: false, inputGoesOn: true }, never)
    stdin.write(`${word}\n`)
    expect(await until(stdout, `got ${word}\n`)).toBe(`got ${word}\n`)
    stdin.end()
    await attached
  }
  expect(await seen(id, 'exited')).toBeUndefined()
  await runtime.stop(id, 0)
})

test('a slow program gets all of a long input before its end', async () => {
  const id = await start('sleep 1; wc -c; sleep 0.2; echo bye', { stdin: true, stdinOnce: true })
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const attached = runtime.attach(id, { stdin, stdout, tty: false }, never)
  stdin.end(Buffer.alloc(300_001, 'x'))
  expect(await until(stdout, 'bye\n')).toBe('300001\nbye\n')
  await attached
})

test('a program that stops reading for a while gets the rest of its input too', async () => {
  const id = await start('sleep 0.3; head -c 102400 >/dev/null; sleep 1; wc -c; sleep 0.2; echo bye', {
    stdin: true,
    stdinOnce: true,
  })
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const attached = runtime.attach(id, { stdin, stdout, tty: false }, never)
  // As much as the pipes between us and the program hold, and a little of what waits before them.
  stdin.end(Buffer.alloc(280_000, 'x'))
  expect(await until(stdout, 'bye\n')).toBe('177600\nbye\n')
  await attached
})

test('several people see the same output, and leaving does not end the program', async () => {
  const id = await start('i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done')
  const stop = new AbortController()
  const [one, two] = [new PassThrough(), new PassThrough()]
  const first = runtime.attach(id, { stdout: one, tty: false }, stop.signal).catch(() => {})
  const second = runtime.attach(id, { stdout: two, tty: false }, never).catch(() => {})
  await Promise.all([until(one, 'line'), until(two, 'line')])
  stop.abort()
  await first
  await until(two, 'line')
  await runtime.stop(id, 0)
  await second
})

test('logs follow over a rotation, partial lines are joined, and old files go', async () => {
  const id = await start(
    'head -c 50000 /dev/zero | tr "\\0" x; echo; i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.02; done',
  )
  const stop = new AbortController()
  let followed = ''
  const following = (async () => {
    for await (const chunk of runtime.logs(id, { follow: true }, stop.signal)) followed += String(chunk)
  })()
  const rotations: boolean[] = []
  for (let i = 0; i < 4; i++) {
    const before = followed.length
    await bench.until('some lines', async () => (followed.length > before + 20 ? true : undefined))
    rotations.push(await runtime.rotateLog(id, 10, 3))
  }
  rotations.push(await runtime.rotateLog(id, 1 << 20, 3))
  const before = followed.length
  await bench.until('lines after it', async () => (followed.length > before + 200 ? true : undefined))
  stop.abort()
  await following
  expect(rotations).toEqual([true, true, true, true, false])
  const lines = followed.split('\n')
  expect(lines[0]).toBe('x'.repeat(50_000))
  const ticks = lines.slice(1, -1).map(line => Number(line.replace('tick ', '')))
  expect(ticks).toEqual(ticks.map((_, i) => i + 1))
  const { readdir } = await import('node:fs/promises')
  const path = (await seen(id, 'running'))!.logPath!
  expect((await readdir(path.slice(0, path.lastIndexOf('/')))).sort()).toEqual(['0.log', '0.log.1', '0.log.2'])
  await runtime.stop(id, 0)
})

test('a port where nobody listens is refused, and what listens on loopback only is reached', async () => {
  const { readable, writable } = await runtime.portForward(sandbox, 4321, never)
  writable.write('hello')
  const failure = await (async () => {
    for await (const _ of readable);
  })().catch(error => error)
  expect(String(failure?.message)).toMatch(/nothing listens on port 4321 of the pod \(connection refused\)/)
  const id = await start('echo abc > /tmp/note; httpd -f -p 127.0.0.1:7000 -h /tmp')
  const pipe = await bench.until('a listener', async () => {
    const tried = await runtime.portForward(sandbox, 7000, never)
    tried.writable.write('GET /note HTTP/1.0\r\n\r\n')
    let text = ''
    try {
      for await (const chunk of tried.readable) text += String(chunk)
    } catch {
      return undefined
    }
    return text
  })
  expect(pipe).toMatch(/^HTTP\/1\.. 200 OK[\s\S]*\r\nabc\n$/)
  await runtime.stop(id, 0)
})

test('whoever reads from a client that has ended sees the connection close', async () => {
  const id = await start('nc -l -p 7001; exit 7')
  await bench.until('the listener to end', async () => {
    const { readable, writable } = await runtime.portForward(sandbox, 7001, never)
    writable.end()
    // Until it listens, the connection is refused.
    await readable.toArray().catch(() => {})
    return seen(id, 'exited')
  })
})

test('nothing of the streams is left behind', async () => {
  await runtime.remove(sandbox)
  expect(await bench.leaks()).toEqual([])
})

async function seen(id: string, state: string) {
  return (await runtime.observe()).flatMap(pod => pod.containers).find(c => c.id === id && c.state === state)
}

async function processes(id: string): Promise<string> {
  return (await runtime.exec(id, ['ps', '-o', 'args'], 5_000)).stdout
}
