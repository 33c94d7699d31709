/** What kubelet serves, by the first step of a path (with what follows `metrics`): other paths are the asker's invention, and no labels. */
const served = new Set([
  ...['attach', 'checkpoint', 'configz', 'containerLogs', 'debug', 'exec', 'healthz', 'logs', 'pods', 'portForward'],
  ...[
    'run',
    'runningpods',
    'stats',
    'metrics',
    'metrics/cadvisor',
    'metrics/probes',
    'metrics/resource',
    'metrics/slis',
  ],
])
const streams = new Set(['exec', 'attach', 'portforward', 'debug'])

/** @param path `/metrics/cadvisor` @returns the labels of the request in kubelet's metrics */
export function httpLabels(method: string, path: string) {
  const [first = '', second] = path.slice(1).split('/', 2)
  const root = first === 'metrics' && second ? `${first}/${second}` : first
  return {
    method,
    path: served.has(root) ? root : 'other',
    server_type: 'readwrite',
    long_running: String(streams.has(root)),
  }
}
