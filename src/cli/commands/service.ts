import type { Command } from 'commander'
import { isAlreadyExists } from '../../models/api-error.ts'
import { ServiceRegistration } from '../../models/kinds/index.ts'
import type { ServiceRegistrationCheck } from '../../models/types/optiflow-v1.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'

interface RegisterFlags extends ConnectionFlags {
  address: string[]
  port?: string
  udp?: boolean
  check?: string
  interval?: string
}

export const service: CliCommand = {
  register(program, outside) {
    const command = program.command('service').description('services that run outside the cluster')
    register(command, outside)
    list(command, outside)
    deregister(command, outside)
  },
}

function register(command: Command, outside: Outside): void {
  withConnection(command.command('register <name>'))
    .description('make a service outside found by its name, as if it ran inside')
    .requiredOption('--address <ip:port...>', 'where it is reached; several times for several')
    .option('--port <port>', 'of the Service in the cluster; that of the first address unless given')
    .option('--udp', 'it speaks UDP')
    .option('--check <check>', 'tcp, http or https, with a path: http/healthz; failing addresses get nothing')
    .option('--interval <seconds>', 'between two checks', '10')
    .action(async (name: string, flags: RegisterFlags) => {
      const check = readCheck(flags.check, readNumber('--interval', flags.interval ?? '10'))
      const spec = {
        addresses: flags.address,
        ...(flags.port ? { port: readNumber('--port', flags.port) } : {}),
        ...(flags.udp ? { protocol: 'UDP' as const } : {}),
        ...(check ? { check } : {}),
      }
      await withRemote(outside, flags, async ({ client, namespace }) => {
        try {
          await client.create(ServiceRegistration, { metadata: { name, namespace }, spec })
        } catch (error) {
          if (!isAlreadyExists(error)) throw error
          const known = await client.get(ServiceRegistration, { namespace, name })
          await client.update(ServiceRegistration, { ...known, spec })
        }
        outside.terminal.out(`serviceregistration/${name} registered: found as ${name}.${namespace}\n`)
      })
    })
}

/** The server says whether it is too small or too large. */
function readNumber(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${flag} ${text} is no whole number`)
  return Number(text)
}

/** `tcp`, `http`, `https`, `http/healthz` */
function readCheck(text: string | undefined, intervalSeconds: number): ServiceRegistrationCheck | undefined {
  if (text === undefined) return undefined
  const [, kind, path] = /^(tcp|https?)(\/.*)?$/.exec(text) ?? []
  if (!kind || (kind === 'tcp' && path))
    throw new UsageError(`--check ${text} is none of tcp, http, https, http/PATH, https/PATH`)
  if (kind === 'tcp') return { tcp: {}, intervalSeconds }
  return { http: { scheme: kind === 'https' ? 'HTTPS' : 'HTTP', ...(path ? { path } : {}) }, intervalSeconds }
}

function list(command: Command, outside: Outside): void {
  withConnection(command.command('list'))
    .description('what is registered, and how each address does')
    .action(async (flags: ConnectionFlags) => {
      await withRemote(outside, flags, async ({ client, namespace }) => {
        const { items } = await client.list(ServiceRegistration, { namespace })
        if (!items.length) return outside.terminal.out(`No services are registered in ${namespace}.\n`)
        const rows = items.flatMap(({ metadata, spec, status }) =>
          spec.addresses.map(address => {
            const known = status?.addresses?.find(a => a.address === address)
            const state = !spec.check ? 'unchecked' : !known ? 'not asked yet' : known.healthy ? 'well' : 'failing'
            return [metadata.name, address, state, known?.message ?? '']
          }),
        )
        outside.terminal.out(formatTable(['NAME', 'ADDRESS', 'STATE', 'MESSAGE'], rows))
      })
    })
}

function deregister(command: Command, outside: Outside): void {
  withConnection(command.command('deregister <name>'))
    .description('take a registered service out again')
    .action(async (name: string, flags: ConnectionFlags) => {
      await withRemote(outside, flags, async ({ client, namespace }) => {
        await client.delete(ServiceRegistration, { namespace, name })
        outside.terminal.out(`serviceregistration/${name} deregistered\n`)
      })
    })
}
