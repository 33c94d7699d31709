import { schedulerMetrics } from '../../main/scheduler-metrics.ts'
import { startScheduler } from '../../main/scheduling.ts'
import type { CliCommand } from '../command.ts'
import { registerManager } from './manager.ts'
import { registerSchedulerPlugins } from './scheduler-plugins.ts'

export const scheduler: CliCommand = {
  register(program, outside) {
    const command = registerManager(program, outside, {
      command: 'scheduler',
      description: 'run the scheduler as a process of its own, or change what it runs',
      lease: 'kube-scheduler',
      more: ['scheduler-config'],
      port: 10_259,
      metrics: schedulerMetrics,
      start: (client, { world, settings, metrics }) =>
        startScheduler({
          ...{ client, outside: world, configuration: settings.schedulerConfig, metrics },
          announce(scheduler) {
            metrics.follow(scheduler)
            return () => {}
          },
        }),
    })
    registerSchedulerPlugins(command, outside)
  },
}
