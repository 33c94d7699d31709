import type { Command } from 'commander'
import { createLogger } from '../../base/logger.ts'
import type { Client } from '../../client/index.ts'
import { runElected } from '../../main/elected.ts'
import type { Connection } from '../../main/kubeconfig.ts'
import { type OutsideWorld, systemOutside } from '../../main/outside.ts'
import { notePart } from '../../main/run-file.ts'
import type { Settings } from '../../main/settings.ts'
import { type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export interface Manager {
  command: string
  description: string
  /** Flags of its own. */
  more?: string[]
  /** Only the process that holds it works. */
  lease: string
  /** Beside those that every manager has. */
  settings?: string[]
  start(client: Client, world: OutsideWorld, settings: Settings, connection: Connection): Promise<AsyncDisposable>
}

/** A part of the control plane that talks to the API server over HTTPS and shares its work with none. */
export function registerManager(program: Command, outside: Outside, manager: Manager): Command {
  return withSettings(withConnection(program.command(manager.command)).description(manager.description), [
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
      outside.terminal.out(`${manager.command}: waiting for the lease kube-system/${manager.lease}\n`)
      await runElected({
        client,
        outside: world,
        name: manager.lease,
        signal: outside.signal,
        async start(fenced) {
          const part = await manager.start(fenced, world, settings, connection)
          outside.terminal.out(`${manager.command}: at work\n`)
          return part
        },
      })
    })
  })
}
