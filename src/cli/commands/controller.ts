import { controllerMetrics } from '../../main/controller-metrics/index.ts'
import { startControllers } from '../../main/controllers.ts'
import { openCsiDrivers } from '../../main/csi-drivers.ts'
import { queueMetrics } from '../../main/queue-metrics.ts'
import { allReconcilers } from '../../main/reconcilers.ts'
import { certificateSigner, readAuthority } from '../../main/signing.ts'
import type { CliCommand } from '../command.ts'
import { registerManager } from './manager.ts'
import { controllerFlags } from './settings-flags.ts'

export const controller: CliCommand = {
  register: (program, outside) =>
    registerManager(program, outside, {
      command: 'controller',
      description: 'run the controllers as a process of their own',
      lease: 'kube-controller-manager',
      settings: ['csi-driver', ...controllerFlags],
      port: 10_257,
      metrics: registry => ({ queues: queueMetrics(registry), told: controllerMetrics(registry) }),
      async start(client, { world, settings, connection, metrics: { queues, told } }) {
        const authority = await readAuthority(settings.dataDir, world)
        const ca = connection.ca ?? ''
        const drivers = openCsiDrivers(settings, world)
        const reconcilers = allReconcilers({
          settings,
          ca,
          net: world.net,
          metrics: told,
          csiDrivers: drivers.all,
          ...(authority ? { signer: certificateSigner(authority, world) } : {}),
        })
        const running = await startControllers({
          ...{ client, outside: world, reconcilers, metrics: queues },
          onSyncError: told.collectorSyncError,
        })
        return {
          async [Symbol.asyncDispose]() {
            await running[Symbol.asyncDispose]()
            drivers[Symbol.dispose]()
          },
        }
      },
    }),
}
