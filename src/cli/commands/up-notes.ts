import type { Settings } from '../../main/settings.ts'

const loopback = /^(127\.|localhost$|::1$)/

/**
 * What to say when the API listens where pods of another network plugin, and other nodes, cannot reach it; undefined: all is well. Such a
 * plugin asks the API from each node and each pod. `calico preflight` fails on the same.
 */
export function unreachableApiNote({ network, listen }: Pick<Settings, 'network' | 'listen'>): string | undefined {
  if (network !== 'cni' || !loopback.test(listen.host)) return undefined
  return `with --network cni the API must be reached from pods and other nodes, and ${listen.host} is this machine's alone: "calico install" would refuse. Start it with --listen 0.0.0.0:${listen.port}.`
}
