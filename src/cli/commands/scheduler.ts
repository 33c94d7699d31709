import { startScheduler } from '../../main/scheduling.ts'
import type { CliCommand } from '../command.ts'
import { registerManager } from './manager.ts'

export const scheduler: CliCommand = {
  register: (program, outside) =>
    registerManager(program, outside, {
      command: 'scheduler',
      description: 'run the scheduler as a process of its own',
      lease: 'kube-scheduler',
      start: (client, world) => startScheduler({ client, outside: world }),
    }),
}
