import type { Command } from 'commander'
import { transform } from 'sucrase'
import { codeOf } from '../../base/errors.ts'
import { isNotFound } from '../../models/api-error.ts'
import { SchedulerPlugin } from '../../models/kinds/index.ts'
import { type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'

interface AddFlags extends ConnectionFlags {
  name?: string
  weight?: string
  timeout?: string
}

/** `optiflow scheduler plugins …`: rules that people add to the running scheduler. */
export function registerSchedulerPlugins(scheduler: Command, outside: Outside): void {
  const plugins = scheduler.command('plugins').description('rules of placement added to the running scheduler')
  withConnection(plugins.command('add <file>'))
    .description('add a plugin written in TypeScript or JavaScript, or replace it by a new version')
    .option('--name <name>', "the file's, without extension")
    .option('--weight <number>', 'how much its score counts, 0 to 100; 1 unless given')
    .option('--timeout <ms>', 'how long one question may take; 200 unless given')
    .action((file: string, flags: AddFlags) =>
      withRemote(outside, flags, async remote => {
        const name = flags.name ?? nameOf(file)
        await add(remote, name, compile(file, await read(outside, file)), flags)
        outside.terminal.out(
          `scheduler plugin ${name} added; "optiflow scheduler plugins list" tells whether it works\n`,
        )
      }),
    )
  withConnection(plugins.command('list'))
    .description('the plugins and whether they work')
    .action((flags: ConnectionFlags) => withRemote(outside, flags, remote => list(outside, remote)))
  withConnection(plugins.command('remove <name>'))
    .description('take a plugin out of the running scheduler')
    .action((name: string, flags: ConnectionFlags) =>
      withRemote(outside, flags, async ({ client }) => {
        await client.delete(SchedulerPlugin, { name })
        outside.terminal.out(`scheduler plugin ${name} removed\n`)
      }),
    )
}

/** `./My_Plugin.ts` → `my-plugin` */
export const nameOf = (file: string) =>
  file
    .replace(/^.*\//, '')
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')

async function read({ disk }: Outside, file: string): Promise<string> {
  try {
    return await disk.readText(file)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
    throw new UsageError(`there is no file ${file}`, { hint: 'A plugin is one file: see docs/scheduler-plugins.md.' })
  }
}

/** JavaScript that the scheduler runs: types taken away, the default export on `module.exports`. */
export function compile(file: string, source: string): string {
  try {
    return transform(source, { transforms: ['typescript', 'imports'], filePath: file, production: true }).code
  } catch (cause) {
    throw new UsageError(`${file} is not TypeScript: ${cause instanceof Error ? cause.message : cause}`)
  }
}

async function add({ client }: Remote, name: string, source: string, flags: AddFlags): Promise<void> {
  const spec = {
    source,
    ...(flags.weight === undefined ? {} : { weight: Number(flags.weight) }),
    ...(flags.timeout === undefined ? {} : { timeoutMilliseconds: Number(flags.timeout) }),
  }
  try {
    const present = await client.get(SchedulerPlugin, { name })
    await client.update(SchedulerPlugin, { ...present, spec: { ...present.spec, ...spec } })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(SchedulerPlugin, { metadata: { name }, spec })
  }
}

async function list({ terminal }: Outside, { client }: Remote): Promise<void> {
  const { items } = await client.list(SchedulerPlugin)
  const rows = items.map(({ metadata, spec, status }) => [
    metadata.name,
    status?.state ?? 'Loading',
    `${spec.weight ?? 1}`,
    status?.message ?? '',
  ])
  terminal.out(rows.length ? formatTable(['NAME', 'STATE', 'WEIGHT', 'MESSAGE'], rows) : 'no scheduler plugins\n')
}
