import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { podsOf } from '../pods-of.ts'

interface Flags extends ConnectionFlags {
  follow?: boolean
  container?: string
  previous?: boolean
  tail?: string
  since?: string
  timestamps?: boolean
}

export const logs: CliCommand = {
  register(program, outside) {
    withConnection(program.command('logs <target>'))
      .description("print a pod's output; TYPE/NAME prints all its pods")
      .option('-f, --follow', 'go on as it is written')
      .option('-c, --container <name>', 'which container')
      .option('-p, --previous', 'of the container before its last restart')
      .option('--tail <lines>', 'only the last lines')
      .option('--since <duration>', 'only newer than 30s, 5m, 2h')
      .option('--timestamps', 'with the time of each line')
      .action((target: string, flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, target, flags)),
      )
  },
}

async function run(outside: Outside, remote: Remote, target: string, flags: Flags): Promise<void> {
  const pods = target.includes('/') ? (await podsOf(remote, target)).map(p => p.metadata.name) : [target]
  const query = new URLSearchParams()
  if (flags.follow) query.set('follow', 'true')
  if (flags.container) query.set('container', flags.container)
  if (flags.previous) query.set('previous', 'true')
  if (flags.tail) query.set('tailLines', flags.tail)
  if (flags.since) query.set('sinceSeconds', String(seconds(flags.since)))
  if (flags.timestamps) query.set('timestamps', 'true')
  await Promise.all(
    pods.map(async pod => {
      const prefix = pods.length > 1 ? `[${pod}] ` : ''
      const stream = await remote.stream(
        `/api/v1/namespaces/${remote.namespace}/pods/${pod}/log?${query}`,
        outside.signal,
      )
      try {
        await print(outside, stream, prefix)
      } catch (error) {
        if (!outside.signal.aborted) throw error
      }
    }),
  )
}

async function print(outside: Outside, stream: AsyncIterable<Uint8Array>, prefix: string): Promise<void> {
  const decoder = new TextDecoder()
  let atStart = true
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true })
    if (!prefix || !text) outside.terminal.out(text)
    else {
      const ended = text.endsWith('\n')
      const body = (ended ? text.slice(0, -1) : text).replaceAll('\n', `\n${prefix}`)
      outside.terminal.out(`${atStart ? prefix : ''}${body}${ended ? '\n' : ''}`)
      atStart = ended
    }
  }
}

function seconds(text: string): number {
  const match = /^(\d+)(s|m|h|d)?$/.exec(text)
  if (!match) throw new UsageError(`--since: "${text}" is not a duration such as 30s, 5m or 2h`)
  return Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[(match[2] ?? 's') as 's' | 'm' | 'h' | 'd']
}
