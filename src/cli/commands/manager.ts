import type { Command } from 'commander'
import { Registry } from 'prom-client'
import { explain } from '../../base/errors.ts'
import { createLogger } from '../../base/logger.ts'
import type { Client } from '../../client/index.ts'
import { runElected } from '../../main/elected.ts'
import type { Connection } from '../../main/kubeconfig.ts'
import { openManagerEndpoint } from '../../main/manager-endpoint/endpoint.ts'
import { type OutsideWorld, systemOutside } from '../../main/outside.ts'
import { notePart } from '../../main/run-file.ts'
import type { Settings } from '../../main/settings.ts'
import { type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export interface Manager<M> {
  command: string
  description: string
  /** Flags of its own. */
  more?: string[]
  /** Only the process that holds it works. */
  lease: string
  /** Beside those that every manager has. */
  settings?: string[]
  /** Where it serves health and figures unless told otherwise: upstream's port. */
  port: number
  /** What it counts; made once, whoever leads. */
  metrics(registry: Registry): M
  start(
    client: Client,
    at: { world: OutsideWorld; settings: Settings; connection: Connection; metrics: M },
  ): Promise<AsyncDisposable>
}

/** A part of the control plane that talks to the API server over HTTPS and shares its work with none. */
export function registerManager<M>(program: Command, outside: Outside, manager: Manager<M>): Command {
  const command = withConnection(program.command(manager.command))
    .description(manager.description)
    .option('--bind-address <address>', 'where /healthz and /metrics are served, over TLS', '127.0.0.1')
    .option('--secure-port <port>', `their port: ${manager.port} unless given; 0: they are not served`)
  return withSettings(command, [
    'data-dir',
    ...(manager.more ?? []),
    'log-level',
    'cluster-cidr',
    ...(manager.settings ?? []),
  ]).action(async (given: Record<string, unknown> & ConnectionFlags) => {
    const settings = await settingsOf(outside, given)
    const world = systemOutside(createLogger(settings.logLevel))
    await using _note = await notePart(outside.disk, settings.dataDir, manager.command)
    // Field managers and audit records name Kubernetes' component, whichever process it works in.
    await withRemote(outside, { ...given, userAgent: manager.lease }, async ({ client, connection }) => {
      const registry = new Registry()
      const metrics = manager.metrics(registry)
      await using _endpoint = await serve(outside, given, manager, { client, world, registry })
      outside.terminal.out(`${manager.command}: waiting for the lease kube-system/${manager.lease}\n`)
      await runElected({
        client,
        outside: world,
        name: manager.lease,
        signal: outside.signal,
        async start(fenced) {
          const part = await manager.start(fenced, { world, settings, connection, metrics })
          outside.terminal.out(`${manager.command}: at work\n`)
          return part
        },
      })
    })
  })
}

/** @throws Error for a port that was asked for and cannot be had; the usual one may be another's on the same machine */
async function serve(
  outside: Outside,
  given: Record<string, unknown>,
  { command, port: usual }: Manager<any>,
  { client, world, registry }: { client: Client; world: OutsideWorld; registry: Registry },
): Promise<AsyncDisposable> {
  const asked = given['securePort'] as string | undefined
  const port = asked === undefined ? usual : Number(asked)
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new Error(`--secure-port ${asked} is no port: give a number up to 65535, or 0 to serve nothing`)
  const none = { async [Symbol.asyncDispose]() {} }
  if (port === 0) return none
  const host = String(given['bindAddress'])
  try {
    return await openManagerEndpoint({ client, outside: world, registry, host, port })
  } catch (error) {
    const why = `${command}: /healthz and /metrics cannot be served at ${host}:${port}: ${explain(error)}`
    if (asked !== undefined) throw new Error(`${why}; give another --secure-port, or 0`, { cause: error })
    outside.terminal.err(`${why}; --secure-port gives them another port\n`)
    return none
  }
}
