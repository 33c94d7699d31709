import type { CliCommand } from '../command.ts'
import { netCheck } from './net-check.ts'

/** What concerns the way of packets: `optiflow net …`. */
export const net: CliCommand = {
  register(program, outside) {
    const group = program.command('net').description('how packets find their way')
    for (const command of [netCheck]) command.register(group, outside)
  },
}
