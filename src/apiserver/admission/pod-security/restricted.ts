import {
  named,
  namesWhere,
  type PodCheck,
  type PodLike,
  plural,
  quoted,
  setters,
  sorted,
  type Violation,
} from './check.ts'
import { seccompRequired } from './profiles.ts'

type Check = (pod: PodLike) => Violation | undefined

/** Since v1.25 what does not exist on Windows is not asked of its pods. */
const butWindows =
  (check: Check): Check =>
  pod =>
    pod.spec.os?.name === 'windows' ? undefined : check(pod)

function allowPrivilegeEscalation(pod: PodLike): Violation | undefined {
  const bad = namesWhere(pod, c => c.securityContext?.allowPrivilegeEscalation !== false)
  if (!bad.length) return undefined
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

function capabilities(pod: PodLike): Violation | undefined {
  const keeping = namesWhere(pod, c => !c.securityContext?.capabilities?.drop?.includes('ALL'))
  const added = new Set<string>()
  const adding = namesWhere(pod, ({ securityContext }) => {
    const names = (securityContext?.capabilities?.add ?? []).filter(name => name !== 'NET_BIND_SERVICE')
    for (const name of names) added.add(name)
    return names.length > 0
  })
  const details = [
    ...(keeping.length ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length
      ? [`${named(adding)} must not include ${quoted(sorted(added))} in securityContext.capabilities.add`]
      : []),
  ]
  return details.length ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

const harmless = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const others = [
  ...['hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs', 'rbd'],
  ...['flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte', 'azureDisk'],
  ...['photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos'],
]

function volumes({ spec }: PodLike): Violation | undefined {
  const bad = (spec.volumes ?? []).filter(volume => !harmless.some(type => type in volume))
  if (!bad.length) return undefined
  const types = sorted(bad.map(volume => others.find(type => type in volume) ?? 'unknown'))
  const who = `${plural(bad.length, 'volume')} ${quoted(bad.map(volume => volume.name))} ${plural(bad.length, 'uses', 'use')}`
  return {
    reason: 'restricted volume types',
    detail: `${who} ${plural(types.length, 'restricted volume type')} ${quoted(types)}`,
  }
}

function runAsNonRoot(pod: PodLike): Violation | undefined {
  const reason = 'runAsNonRoot != true'
  const ofPod = pod.spec.securityContext?.runAsNonRoot
  const who = setters(
    ofPod === false,
    namesWhere(pod, c => c.securityContext?.runAsNonRoot === false),
  )
  if (who.length) return { reason, detail: `${who.join(' and ')} must not set securityContext.runAsNonRoot=false` }
  const lacking = ofPod ? [] : namesWhere(pod, c => c.securityContext?.runAsNonRoot === undefined)
  if (!lacking.length) return undefined
  return { reason, detail: `pod or ${named(lacking)} must set securityContext.runAsNonRoot=true` }
}

function runAsUser(pod: PodLike): Violation | undefined {
  const who = setters(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, c => c.securityContext?.runAsUser === 0),
  )
  return who.length ? { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` } : undefined
}

const since = (id: string, versions: PodCheck['versions']): PodCheck => ({ id, level: 'restricted', versions })

/** What a pod that wants nothing special says of itself. By id, as Kubernetes orders its messages. */
export const restrictedChecks: PodCheck[] = [
  since('allowPrivilegeEscalation', [
    { since: 8, check: allowPrivilegeEscalation },
    { since: 25, check: butWindows(allowPrivilegeEscalation) },
  ]),
  since('capabilities_restricted', [
    { since: 22, check: capabilities, overrides: ['capabilities_baseline'] },
    { since: 25, check: butWindows(capabilities), overrides: ['capabilities_baseline'] },
  ]),
  since('restrictedVolumes', [{ since: 0, check: volumes, overrides: ['hostPathVolumes'] }]),
  since('runAsNonRoot', [{ since: 0, check: runAsNonRoot }]),
  since('runAsUser', [{ since: 23, check: runAsUser }]),
  since('seccompProfile_restricted', [
    { since: 19, check: seccompRequired, overrides: ['seccompProfile_baseline'] },
    { since: 25, check: butWindows(seccompRequired), overrides: ['seccompProfile_baseline'] },
  ]),
]
