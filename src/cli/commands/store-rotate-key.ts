import { type CliCommand, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'

export const storeRotateKey: CliCommand = {
  register(program, outside) {
    withConnection(program.command('rotate-key'))
      .description('encrypt Secrets with a new key from now on, and write those that there are again')
      .action((flags: ConnectionFlags) =>
        withRemote(outside, flags, async remote => {
          const { key, written } = await remote.json<{ key: string; written: number }>('POST', '/optiflow/rotate-key')
          outside.terminal.out(
            key
              ? `key ${key} encrypts now; ${written} values were written again\n`
              : 'nothing is encrypted: this store is in memory\n',
          )
        }),
      )
  },
}
