import { hostname } from 'node:os'
import type { Command } from 'commander'
import { containerdInstalled } from '../../main/preflight.ts'
import { resolveSettings, type Settings } from '../../main/settings.ts'
import { readConfigFile, readConfigFolder } from '../../main/settings-file.ts'
import type { Outside } from '../command.ts'
import { flagTexts as flags } from './flag-texts.ts'

/** Of the controllers. */
export const controllerFlags = [
  'node-eviction-rate',
  'secondary-node-eviction-rate',
  'unhealthy-zone-threshold',
  'large-cluster-size-threshold',
  'node-monitor-grace-period',
  'node-startup-grace-period',
  'terminated-pod-gc-threshold',
  'cluster-signing-duration',
  'horizontal-pod-autoscaler-sync-period',
  'horizontal-pod-autoscaler-downscale-stabilization',
  'horizontal-pod-autoscaler-tolerance',
  'horizontal-pod-autoscaler-cpu-initialization-period',
  'horizontal-pod-autoscaler-initial-readiness-delay',
]

/** Of a node with real containers. */
export const nodeFlags = [
  'network-encapsulation',
  'non-masquerade-cidr',
  'pod-manifest-path',
  'allowed-unsafe-sysctls',
  'eviction-hard',
  'eviction-soft',
  'eviction-soft-grace-period',
  'eviction-minimum-reclaim',
  'eviction-max-pod-grace-period',
  'eviction-pressure-transition-period',
  'resolv-conf',
  'system-reserved',
  'kube-reserved',
  'system-reserved-cgroup',
  'kube-reserved-cgroup',
  'cgroups-per-qos',
  'cgroup-root',
  'cgroup-driver',
  'enforce-node-allocatable',
  'pod-max-pids',
  'qos-reserved',
  'cpu-manager-policy',
  'cpu-manager-policy-options',
  'reserved-cpus',
  'memory-manager-policy',
  'reserved-memory',
  'topology-manager-policy',
  'topology-manager-scope',
  'topology-manager-policy-options',
  'node-labels',
  'register-with-taints',
  'max-pods',
  'serialize-image-pulls',
  'max-parallel-image-pulls',
  'image-gc-high-threshold',
  'image-gc-low-threshold',
  'minimum-image-ttl-duration',
  'image-maximum-gc-age',
  'container-log-max-size',
  'container-log-max-files',
  'memory-swap-behavior',
  'single-process-oom-kill',
  'shutdown-grace-period',
  'shutdown-grace-period-critical-pods',
  'shutdown-grace-period-by-pod-priority',
  'seccomp-default',
  'cluster-dns',
  'cpu-cfs-quota',
  'pods-per-core',
  'provider-id',
  'node-lease-duration-seconds',
  'node-status-update-frequency',
  'node-status-report-frequency',
  'node-status-max-images',
  'registry-qps',
  'registry-burst',
  'event-qps',
  'event-burst',
  'max-container-restart-period',
  'container-log-monitor-interval',
  'tls-min-version',
  'tls-cipher-suites',
  'enable-debugging-handlers',
  'read-only-port',
  'healthz-port',
  'healthz-bind-address',
  'enable-system-log-handler',
  'fail-swap-on',
  'fail-cgroupv1',
  'protect-kernel-defaults',
  'kubelet-dir',
  'share-devices',
  'image-credential-provider-config',
  'image-credential-provider-bin-dir',
  'image-peers',
  'registry-mirror',
]

/** Log-in elsewhere. */
export const oidcFlags = Object.keys(flags).filter(name => name.startsWith('oidc-'))

/** Who asked for what. */
export const auditFlags = Object.keys(flags).filter(name => name.startsWith('audit-'))

/** How etcd lets us in. */
export const etcdFlags = Object.keys(flags).filter(name => name.startsWith('etcd-'))

/** Of whoever opens the store: what it keeps, how it is reached, how it is backed up. */
export const storeFlags = [
  'history-age',
  'history-size',
  'event-age',
  'etcd-ca',
  'etcd-cert',
  'etcd-key',
  'etcd-user',
  'etcd-password-file',
  'backup-dir',
  'backup-every',
  'backup-keep',
  'backup-key-file',
] as const

/** Adds these settings as flags, and the files that more are in. */
export function withSettings(command: Command, names: (keyof typeof flags)[]): Command {
  for (const name of names) {
    const [flag, help] = flags[name]!
    if (/(,\u2026|list)>$/.test(flag)) command.option(flag, help, joined)
    else command.option(flag, help)
  }
  return command
    .option(
      '--config <file>',
      "YAML file of settings, by the names of the flags, or a kubelet's (KubeletConfiguration)",
    )
    .option('--config-dir <dir>', 'folder of more such files, *.conf in the order of their names')
}

/** A flag that takes a list may be given several times as well. */
const joined = (more: string, before?: string) => (before === undefined ? more : `${before},${more}`)

/** Flags, OPTIFLOW_* and config files of one command line. @throws BadSetting */
export async function settingsOf(outside: Outside, given: Record<string, unknown>): Promise<Settings> {
  const file = await readConfigFile(
    outside.disk,
    typeof given['config'] === 'string' ? given['config'] : outside.env['OPTIFLOW_CONFIG'],
  )
  const folder = typeof given['configDir'] === 'string' ? given['configDir'] : outside.env['OPTIFLOW_CONFIG_DIR']
  const dropIns = await readConfigFolder(outside.disk, folder)
  const root = process.getuid?.() === 0
  return resolveSettings({
    flags: byName(given),
    env: outside.env,
    // It has its path, so that what is wrong with it names the file.
    dropIns: [...(file ? [file] : []), ...dropIns],
    warn: problem => outside.terminal.err(`${outside.terminal.paint.yellow('!')} ${problem}\n`),
    machine: { root, containerd: await containerdInstalled(outside.disk, outside.env['PATH']), hostname: hostname() },
  })
}

/** The same settings as flags again, for the process that goes on in the background. */
export function flagsAgain(given: Record<string, unknown>): string[] {
  const again = Object.entries(byName(given)).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  const files = { '--config': given['config'], '--config-dir': given['configDir'] }
  return [...again, ...Object.entries(files).flatMap(([flag, path]) => (typeof path === 'string' ? [flag, path] : []))]
}

function byName(given: Record<string, unknown>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.keys(flags).map(name => {
      const value = given[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
      return [name, typeof value === 'string' ? value : undefined]
    }),
  )
}
