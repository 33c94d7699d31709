import type { CliCommand } from '../command.ts'
import { storeUnreadable } from './store-unreadable.ts'

/** What administrators do with the store: `optiflow store …`. */
export const store: CliCommand = {
  register(program, outside) {
    const group = program.command('store').description('look after the store: mend it, move it')
    for (const command of [storeUnreadable]) command.register(group, outside)
  },
}
