import type { CliCommand } from '../command.ts'
import { nodeDoctor } from './node-doctor.ts'

/** What administrators do on a node: `optiflow node …`. */
export const node: CliCommand = {
  register(program, outside) {
    const group = program.command('node').description('look after this machine as a node')
    for (const command of [nodeDoctor]) command.register(group, outside)
  },
}
