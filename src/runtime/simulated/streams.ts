import { Duplex } from 'node:stream'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Streams } from '../runtime.ts'
import { runCommand, runScript, type ShellWorld } from './shell.ts'

/** A command for people: `cat` gives back what it reads, a shell answers line by line, the rest as `runCommand` says. */
export async function runWithStreams(
  clock: Clock,
  world: ShellWorld,
  command: string[],
  streams: Streams,
  signal: AbortSignal,
): Promise<number> {
  const program = (command[0] ?? '').replace(/^.*\//, '')
  const reads = streams.stdin && command.length === 1
  if (reads && program === 'cat') {
    for await (const chunk of streams.stdin!) streams.stdout?.write(chunk)
    return 0
  }
  if (reads && ['sh', 'ash', 'bash'].includes(program)) return shell(world, streams)
  const answer = runCommand(command, world)
  if (answer.tookMs) await sleep(clock, answer.tookMs, signal)
  if (answer.stdout) streams.stdout?.write(answer.stdout)
  if (answer.stderr) (streams.tty ? streams.stdout : streams.stderr)?.write(answer.stderr)
  return answer.exitCode
}

async function shell(world: ShellWorld, streams: Streams): Promise<number> {
  const prompt = () => streams.tty && streams.stdout?.write('/ # ')
  prompt()
  let rest = ''
  for await (const chunk of streams.stdin!) {
    if (streams.tty) streams.stdout?.write(String(chunk).replace(/[\r\n]/g, '\r\n'))
    const lines = (rest + String(chunk)).split(/\r\n|\r|\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const answer = runScript(line, world)
      const text = streams.tty ? answer.stdout.replaceAll('\n', '\r\n') : answer.stdout
      if (text) streams.stdout?.write(text)
      if (answer.stderr) (streams.tty ? streams.stdout : streams.stderr)?.write(answer.stderr)
      if (/^\s*exit\b/.test(line)) return answer.exitCode
      prompt()
    }
  }
  return 0
}

/** A port of a simulated pod: whatever is sent, it answers as a web server that names the pod. */
export function answeringPort(pod: string, port: number, signal: AbortSignal): Duplex {
  const body = `simulated pod ${pod} port ${port}\n`
  const pipe = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      this.push(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
      this.push(null)
      done()
    },
  })
  signal.addEventListener('abort', () => pipe.destroy(), { once: true })
  return pipe
}
