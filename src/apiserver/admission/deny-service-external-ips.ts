import { Service } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, forbidden, isOf } from './chain.ts'

/** Whoever may set external IPs draws the cluster's traffic for any address to himself; none are added. CVE-2020-8554. */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  handles: (resource, operation, subresource) =>
    isOf(resource, Service) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  validate(admission) {
    const before = new Set<string>(admission.previous?.['spec']?.externalIPs)
    const wanted: string[] = admission.object!['spec']?.externalIPs ?? []
    if (!wanted.every(ip => before.has(ip)))
      throw forbidden(admission, 'Use of external IPs is denied by admission control')
  },
}
