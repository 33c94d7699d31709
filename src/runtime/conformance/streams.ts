import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { RuntimeFailed } from '../runtime.ts'
import { never, type Subject, sleeping } from './subject.ts'

/** Output, commands and ports. */
export function carriesStreams(on: Subject): void {
  const { ended, run, output } = on

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
    expect(await on.bench.during(output(id, { follow: true }))).toBe('line 1\nline 2\nline 3\n')
    await remove()
    const forever = await run(sleeping)
    const stop = new AbortController()
    const reading = (async () => {
      for await (const _ of on.runtime.logs(forever.id, { follow: true }, stop.signal));
    })()
    stop.abort()
    await on.bench.during(reading)
    await forever.remove()
  })

  test('a command runs in the container and says how it ended', async () => {
    const { id, remove } = await run(sleeping)
    expect(
      await on.bench.during(on.runtime.exec(id, ['sh', '-c', 'echo $COLOR; echo bad >&2; exit 4'], 10_000)),
    ).toEqual({
      exitCode: 4,
      stdout: 'blue\n',
      stderr: 'bad\n',
      timedOut: false,
    })
    await remove()
  })

  test('a command that takes too long is ended', async () => {
    const { id, remove } = await run(sleeping)
    expect(await on.bench.during(on.runtime.exec(id, ['sleep', '60'], 1_000))).toMatchObject({ timedOut: true })
    await remove()
  })

  test('a command in a container that has ended fails', async () => {
    const { uid, id, remove } = await run({ script: 'exit 0', simulated: { 'exit-code': '0' } })
    await ended(uid, id)
    await expect(on.bench.during(on.runtime.exec(id, ['true'], 1_000))).rejects.toBeInstanceOf(RuntimeFailed)
    const streams = { stdout: new PassThrough(), tty: false }
    await expect(on.bench.during(on.runtime.execStream(id, ['true'], streams, never))).rejects.toBeInstanceOf(
      RuntimeFailed,
    )
    await remove()
  })

  test('the end of the input reaches the command, whose output goes on', async () => {
    const { id, remove } = await run(sleeping)
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const code = on.runtime.execStream(id, ['cat'], { stdin, stdout, stderr, tty: false }, never)
    stdin.write('to be ')
    stdin.end('continued')
    expect(await on.bench.during(code)).toBe(0)
    expect(String(stdout.read())).toBe('to be continued')
    await remove()
  })

  test('streams are kept apart, and the exit code comes back', async () => {
    const { id, remove } = await run(sleeping)
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const code = on.runtime.execStream(
      id,
      ['sh', '-c', 'echo out; echo err >&2; exit 5'],
      { stdout, stderr, tty: false },
      never,
    )
    expect(await on.bench.during(code)).toBe(5)
    expect([String(stdout.read()), String(stderr.read())]).toEqual(['out\n', 'err\n'])
    await remove()
  })

  test('a port of the pod answers', async () => {
    const { sandbox, remove } = await run({
      script: 'mkdir -p /tmp/www; echo simulated pod > /tmp/www/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp/www',
    })
    const answer = await on.bench.until('an answer', async () => {
      const { readable, writable } = await on.runtime.portForward(sandbox, 8080, never)
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
}
