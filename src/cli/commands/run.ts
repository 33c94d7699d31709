import { sleep } from '../../base/clock.ts'
import { Workload } from '../../models/kinds/index.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatObject, readOutputForm } from '../output.ts'

interface Flags extends ConnectionFlags {
  image: string
  replicas?: string
  port?: string[]
  env?: string[]
  once?: boolean
  schedule?: string
  timeZone?: string
  wait?: boolean
  output?: string
  dryRun?: boolean
}

export const run: CliCommand = {
  register(program, outside) {
    withConnection(program.command('run <name> [args...]'))
      .description('run an image as a Workload: replicas behind a Service, or once, or by a schedule')
      .requiredOption('--image <image>', 'container image')
      .option('--replicas <n>', 'how many pods', '1')
      .option('--port <port...>', 'port it listens on; 80:8080 serves 8080 as 80')
      .option('--env <name=value...>', 'environment')
      .option('--once', 'run to the end, once')
      .option('--schedule <cron>', 'run to the end whenever this says, such as "0 3 * * *"')
      .option('--time-zone <zone>', 'of the schedule; UTC unless given')
      .option('--wait', 'with --once: until it has ended; exit code 1 if it failed')
      .option('-o, --output <form>', 'json, yaml or name')
      .option('--dry-run', 'print the Workload, create nothing')
      .action((name: string, args: string[], flags: Flags) => {
        if (flags.wait && !flags.once) throw new UsageError('--wait needs --once: nothing else ends by itself')
        const workload = buildWorkload(name, args, flags)
        if (flags.dryRun) {
          const form = readOutputForm(flags.output)
          outside.terminal.out(formatObject(workload, form === 'json' ? 'json' : 'yaml'))
          return
        }
        return withRemote(outside, flags, remote => create(outside, remote, workload, flags))
      })
  },
}

async function create(
  outside: Outside,
  remote: Remote,
  workload: ReturnType<typeof buildWorkload>,
  flags: Flags,
): Promise<void> {
  const made = await remote.json(
    'POST',
    `/apis/optiflow.dev/v1/namespaces/${remote.namespace}/workloads?fieldManager=optiflow`,
    {
      body: workload,
    },
  )
  const form = readOutputForm(flags.output)
  if (form === 'json' || form === 'yaml') outside.terminal.out(formatObject(made, form))
  else outside.terminal.out(`workload.optiflow.dev/${workload.metadata.name}${form === 'name' ? '' : ' created'}\n`)
  if (flags.wait) await untilEnded(outside, remote, workload.metadata.name)
}

const lookMs = 1_000

/** @throws UsageError with the Workload's own words when it failed */
async function untilEnded(outside: Outside, remote: Remote, name: string): Promise<void> {
  for (;;) {
    const { status } = await remote.client.get(Workload, { namespace: remote.namespace, name })
    const is = (type: string) => status?.conditions?.some(c => c.type === type && c.status === 'True')
    if (is('Failed')) throw new UsageError(`workload ${name} ${status?.message}`)
    if (is('Complete')) return outside.terminal.out(`workload.optiflow.dev/${name} ${status?.message}\n`)
    await sleep(outside.clock, lookMs, outside.signal)
  }
}

/** @throws UsageError naming the flag */
export function buildWorkload(name: string, args: string[], flags: Omit<Flags, 'output' | 'wait'>) {
  const { once, schedule, timeZone } = flags
  if (once && schedule) throw new UsageError('--once and --schedule exclude each other')
  const replicas = Number(flags.replicas ?? 1)
  if (!Number.isInteger(replicas) || replicas < 0)
    throw new UsageError(`--replicas: "${flags.replicas}" is not a whole number ≥ 0`)
  const ports = (flags.port ?? []).map((text, i) => {
    const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text)
    const [port, target] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
    if (!match || !(port > 0 && port < 65_536 && target > 0 && target < 65_536))
      throw new UsageError(`--port: "${text}" is not PORT or PORT:CONTAINERPORT`)
    return { name: i === 0 ? 'http' : `port-${port}`, port, targetPort: target }
  })
  const env = (flags.env ?? []).map(text => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--env: "${text}" is not NAME=VALUE`)
    return { name: text.slice(0, at), value: text.slice(at + 1) }
  })
  return {
    apiVersion: 'optiflow.dev/v1',
    kind: 'Workload',
    metadata: { name },
    spec: {
      image: flags.image,
      ...(once || schedule ? {} : { replicas }),
      ...(once ? { job: {} } : {}),
      ...(schedule ? { schedule } : {}),
      ...(timeZone ? { timeZone } : {}),
      ...(args.length ? { args } : {}),
      ...(ports.length ? { ports } : {}),
      ...(env.length ? { env } : {}),
    },
  }
}
