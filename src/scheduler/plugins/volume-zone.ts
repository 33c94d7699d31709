import type { Labels } from '../../base/labels.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import { claimUses, usesClaim } from '../volumes/claim-uses.ts'

interface Requirement {
  key: string
  values: ReadonlySet<string>
}

interface State {
  wanted: readonly Requirement[]
  /** A claim's volume that is not there. */
  missing: string | undefined
}

const stable: Record<string, string> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
}
const topologyLabels = [...Object.keys(stable), ...Object.values(stable)]

/** A volume with a zone or region label is used from there. Several zones are written with `__` between them. */
export const volumeZone: SchedulerPlugin<State> = {
  name: 'VolumeZone',
  scope: 'cluster',
  prepare(pod, { objects }) {
    const wanted: Requirement[] = []
    for (const { key } of claimUses(pod)) {
      const name = objects.claims.get(key)?.spec.volumeName
      const volume = name ? objects.volumes.get(name) : undefined
      if (name && !volume) return { wanted, missing: name }
      const labels = volume?.metadata.labels
      for (const key of topologyLabels) {
        const values = labels && Object.hasOwn(labels, key) ? labels[key]!.split('__') : []
        // One that is written wrong says nothing.
        if (values.length && values.every(Boolean)) wanted.push({ key, values: new Set(values) })
      }
    }
    return wanted.length ? { wanted, missing: undefined } : undefined
  },
  refuseAll: ({ missing }) => (missing === undefined ? undefined : `persistentvolume "${missing}" not found`),
  filter({ wanted }, { labels }) {
    if (!topologyLabels.some(key => Object.hasOwn(labels, key))) return undefined
    return wanted.every(w => allows(w, labels)) ? undefined : 'node(s) had no available volume zone'
  },
  wakes(e, { pod }, { objects: { claims } }) {
    if (e.type === 'node-added') return true
    if (e.type === 'node-updated') return e.changed.has('labels')
    if (e.type !== 'object-changed') return false
    if (e.table === 'claims') return usesClaim(pod, e.object)
    const { name } = e.object.metadata
    return e.table === 'volumes' && claimUses(pod).some(use => claims.get(use.key)?.spec.volumeName === name)
  },
}

function allows({ key, values }: Requirement, labels: Labels): boolean {
  const newer = stable[key]
  const value = labels[key] ?? (newer ? labels[newer] : undefined)
  return value !== undefined && values.has(value)
}
