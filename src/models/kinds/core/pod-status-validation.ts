import { isIP } from '../../../base/ip.ts'
import { isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, GoText, goQuote, invalid } from '../../field-error.ts'
import type { ContainerStatus, HostIP, Pod, PodIP } from '../../types/core-v1.ts'
import { checkIP, checkOptionalName, immutableText, texts } from '../checks.ts'

/** What a node may not say of a pod. @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus */
export function checkPodStatus({ status }: Pod, previous: Pod): FieldError[] {
  if (!status) return []
  const { conditions = [], hostIP = '', hostIPs = [], podIPs = [], nominatedNodeName, qosClass } = status
  // Kubernetes looks for conditions in the metadata.
  const errors = conditions.flatMap(({ type = '' }, i) =>
    texts(`metadata.conditions[${i}].Type`, type, isQualifiedName(type)),
  )
  errors.push(...checkOptionalName('status.nominatedNodeName', nominatedNodeName, isDns1123Subdomain))
  const before = previous.status?.qosClass
  if (qosClass && before && qosClass !== before) errors.push(invalid('status.qosClass', qosClass, immutableText))
  errors.push(...checkContainerStates(status, previous))
  for (const list of statusLists) errors.push(...checkUsers(`status.${list}`, status[list], previous.spec.os?.name))
  errors.push(...checkAddresses('status.podIPs', 'PodIP', podIPs))
  if (hostIPs.length && hostIPs[0]!.ip !== hostIP)
    errors.push(invalid('status.hostIPs[0].ip', hostIPs[0]!.ip ?? '', 'must be equal to `hostIP`'))
  errors.push(...checkAddresses('status.hostIPs', 'HostIP', hostIPs))
  return errors
}

const statusLists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const

/** Kubernetes leaves \`user\` out of the place. */
function checkUsers(field: string, statuses: readonly ContainerStatus[] = [], os = 'linux'): FieldError[] {
  return statuses.flatMap(({ user }, i) => {
    const at = `${field}[${i}].linux`
    if (!user?.linux) return []
    if (os === 'windows') return [forbidden(at, 'cannot be set for a windows pod')]
    const { uid, gid, supplementalGroups = [] } = user.linux
    return [
      ...checkId(`${at}.uid`, uid),
      ...checkId(`${at}.gid`, gid),
      ...supplementalGroups.flatMap((group, j) => checkId(`${at}.supplementalGroups[${j}]`, group)),
    ]
  })
}

const maxId = 2 ** 31 - 1
const checkId = (field: string, id = 0): FieldError[] =>
  id >= 0 && id <= maxId ? [] : [invalid(field, id, `must be between 0 and ${maxId}, inclusive`)]

/** A container that has ended, and is not to be started again, stays ended. */
function checkContainerStates(status: NonNullable<Pod['status']>, { spec, status: before }: Pod): FieldError[] {
  const restarting = new Set((spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always').map(c => c.name))
  const policy = spec.restartPolicy ?? 'Always'
  return [
    ...checkEnded('containerStatuses', status.containerStatuses, before?.containerStatuses, policy),
    ...checkEnded(
      'initContainerStatuses',
      status.initContainerStatuses,
      before?.initContainerStatuses,
      policy,
      restarting,
    ),
    ...checkEnded(
      'ephemeralContainerStatuses',
      status.ephemeralContainerStatuses,
      before?.ephemeralContainerStatuses,
      'Never',
    ),
  ]
}

function checkEnded(
  list: string,
  now: readonly ContainerStatus[] = [],
  before: readonly ContainerStatus[] = [],
  policy: string,
  restarting: ReadonlySet<string> = new Set(),
): FieldError[] {
  if (policy === 'Always') return []
  return before.flatMap(({ name, state }, i) => {
    const { terminated } = state ?? {}
    if (!terminated || (terminated.exitCode !== 0 && policy === 'OnFailure') || restarting.has(name)) return []
    return now
      .filter(c => c.name === name && !c.state?.terminated)
      .map(() => forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state'))
  })
}

/** Valid addresses, at most one of each family. */
function checkAddresses(field: string, type: string, list: readonly (HostIP | PodIP)[]): FieldError[] {
  const ips = list.map(({ ip = '' }) => ip)
  const errors = ips.flatMap((ip, i) => checkIP(`${field}[${i}]`, ip))
  if (ips.length < 2) return errors
  const bad = ips.findIndex(ip => !isIP(ip))
  if (bad >= 0) {
    const message = `Internal error: failed to check for dual stack with error:invalid IP[${bad}]: ${ips[bad]}`
    errors.push({ field, reason: 'InternalError', message })
  }
  const show = (ip: string) => `core.${type}{IP:${goQuote(ip)}}`
  const both = bad < 0 && ips.some(ip => ip.includes(':')) && !ips.every(ip => ip.includes(':'))
  if (!both || ips.length > 2) {
    const all = new GoText(`[]core.${type}{${ips.map(show).join(', ')}}`)
    errors.push(invalid(field, all, 'may specify no more than one IP for each IP family'))
  }
  for (const [i, ip] of ips.entries())
    if (ips.indexOf(ip) < i) errors.push(duplicate(`${field}[${i}]`, new GoText(show(ip))))
  return errors
}
