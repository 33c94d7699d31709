import type { CliCommand } from '../command.ts'
import { storeMigrate } from './store-migrate.ts'
import { storeRotateKey } from './store-rotate-key.ts'
import { storeUnreadable } from './store-unreadable.ts'

/** What administrators do with the store: `optiflow store …`. */
export const store: CliCommand = {
  register(program, outside) {
    const group = program.command('store').description('look after the store: mend it, move it, change its key')
    for (const command of [storeUnreadable, storeMigrate, storeRotateKey]) command.register(group, outside)
  },
}
