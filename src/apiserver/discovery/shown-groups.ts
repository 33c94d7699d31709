import { byPriority, versionPriority } from '../aggregation/priorities.ts'
import type { RemoteVersion } from '../aggregation/remote-versions.ts'
import type { Core } from '../core.ts'
import type { Resource, ServedVersion } from '../resources.ts'

/** A version of a group as discovery shows it: ours, or another server's, which then wins. */
export type ShownVersion = { version: string } & ({ resources: Resource[] } | { remote: RemoteVersion })

export interface ShownGroup {
  group: string
  /** The preferred version first. */
  versions: ShownVersion[]
}

interface Placed {
  priority: number
  versions: { version: string; priority: number; shown: ShownVersion }[]
}

/** Everything that can be asked for here, in the order of discovery. */
export function shownGroups({ resources, remotes }: Pick<Core, 'resources' | 'remotes'>): ShownGroup[] {
  const own = resources.groups()
  if (remotes.size === 0) return own
  const groups = new Map<string, Placed>()
  for (const { group, versions } of own) {
    const left = versions.filter(({ version }) => !remotes.find(group, version))
    if (left.length)
      groups.set(group, {
        priority: resources.kinds.groupPriority(group),
        versions: left.map(v => ownVersion(group, v)),
      })
  }
  for (const remote of remotes.all()) {
    const { group, version, groupPriority, versionPriority } = remote
    const placed = groups.get(group) ?? { priority: 0, versions: [] }
    placed.priority = Math.max(placed.priority, groupPriority)
    placed.versions.push({ version, priority: versionPriority, shown: { version, remote } })
    groups.set(group, placed)
  }
  return [...groups]
    .sort(([a, x], [b, y]) => y.priority - x.priority || (a < b ? -1 : 1))
    .map(([group, { versions }]) => ({ group, versions: versions.sort(byPriority).map(v => v.shown) }))
}

function ownVersion(group: string, served: ServedVersion) {
  const custom = served.resources.every(r => r.kind.custom)
  return { version: served.version, priority: versionPriority(group, served.version, custom), shown: served }
}
