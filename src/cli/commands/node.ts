import type { CliCommand } from '../command.ts'
import { nodeDoctor } from './node-doctor.ts'
import { nodeImport } from './node-import.ts'

/** What administrators do on a node: `optiflow node …`. */
export const node: CliCommand = {
  register(program, outside) {
    const group = program.command('node').description('look after this machine as a node')
    for (const command of [nodeDoctor, nodeImport]) command.register(group, outside)
  },
}
