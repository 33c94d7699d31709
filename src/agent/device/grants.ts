import type { DeviceGrant } from '../../plugins/index.ts'
import type { ContainerSpec, Mount } from '../../runtime/runtime.ts'
import type { Environment } from '../pod/environment.ts'

/** What device plugins add to a container. */
export interface Granted {
  env: Environment
  mounts: Mount[]
  devices: NonNullable<ContainerSpec['devices']>
  annotations: Record<string, string>
  cdiDevices: string[]
}

export function grantedBy(grants: readonly DeviceGrant[]): Granted {
  const envs = Object.assign({}, ...grants.map(g => g.envs)) as Record<string, string>
  return {
    env: Object.entries(envs).map(([name, value]) => ({ name, value })),
    mounts: grants.flatMap(g =>
      g.mounts.map(({ host_path, container_path, read_only }) => ({
        hostPath: host_path,
        containerPath: container_path,
        readOnly: read_only,
        propagation: 'private' as const,
      })),
    ),
    devices: grants.flatMap(g =>
      g.devices.map(({ host_path, container_path, permissions }) => ({
        hostPath: host_path,
        containerPath: container_path,
        permissions: permissions || 'rwm',
      })),
    ),
    annotations: Object.assign({}, ...grants.map(g => g.annotations)),
    cdiDevices: [...new Set(grants.flatMap(g => g.cdi_devices.map(d => d.name)))],
  }
}

/** The pod's own words win over the plugin's. */
export function withGranted(granted: Environment, own: Environment): Environment {
  return [...granted.filter(({ name }) => !own.some(o => o.name === name)), ...own]
}
