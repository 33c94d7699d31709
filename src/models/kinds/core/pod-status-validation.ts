import { isIP } from '../../../base/ip.ts'
import { isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { duplicate, type FieldError, GoText, goQuote, invalid } from '../../field-error.ts'
import type { HostIP, Pod, PodIP } from '../../types/core-v1.ts'
import { checkIP, checkOptionalName, immutableText, texts } from '../checks.ts'

/** What a node may not say of a pod. @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus */
export function checkPodStatus({ status }: Pod, previous: Pod): FieldError[] {
  if (!status) return []
  const { conditions = [], hostIP = '', hostIPs = [], podIPs = [], nominatedNodeName, qosClass } = status
  const errors = checkOptionalName('status.nominatedNodeName', nominatedNodeName, isDns1123Subdomain)
  const before = previous.status?.qosClass
  if (qosClass && before && qosClass !== before) errors.push(invalid('status.qosClass', qosClass, immutableText))
  errors.push(...checkAddresses('status.podIPs', 'PodIP', podIPs))
  if (hostIPs.length && hostIPs[0]!.ip !== hostIP)
    errors.push(invalid('status.hostIPs[0].ip', hostIPs[0]!.ip ?? '', 'must be equal to `hostIP`'))
  errors.push(...checkAddresses('status.hostIPs', 'HostIP', hostIPs))
  // Kubernetes looks for conditions in the metadata.
  for (const [i, { type = '' }] of conditions.entries())
    errors.push(...texts(`metadata.conditions[${i}].Type`, type, isQualifiedName(type)))
  return errors
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
