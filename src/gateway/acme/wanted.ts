import type { Ingress, IngressClass } from '../../models/kinds/index.ts'
import { type KubeObject, keyText } from '../../models/object.ts'
import type { Gateway, GatewayClass } from '../kinds/index.ts'
import { acmeAnnotations } from '../plan/annotations.ts'
import { isServedGateway } from '../plan/gateways.ts'
import { isServed } from '../plan/ingress-plan.ts'

/** A Secret that is to hold a certificate. */
export interface WantedCertificate {
  names: string[]
  /** Who wants it, and is told of it. */
  by: KubeObject[]
}

export interface WantedInput {
  ingresses: readonly Ingress[]
  ingressClasses: readonly IngressClass[]
  gateways: readonly Gateway[]
  gatewayClasses: readonly GatewayClass[]
}

const asks = ({ metadata }: KubeObject) => acmeAnnotations.some(name => metadata.annotations?.[name] === 'true')

/** The certificates that Ingresses and Gateways want from an authority, by the key of the Secret that is to hold them. Pure. */
export function wantedCertificates(input: WantedInput): Map<string, WantedCertificate> {
  const wanted = new Map<string, WantedCertificate>()
  const want = (by: KubeObject, secret: string, names: readonly string[]) => {
    const key = keyText({ namespace: by.metadata.namespace!, name: secret })
    const known = wanted.get(key)
    wanted.set(key, {
      names: [...new Set([...(known?.names ?? []), ...names])].sort(),
      by: known?.by.includes(by) ? known.by : [...(known?.by ?? []), by],
    })
  }
  for (const ingress of input.ingresses.filter(i => asks(i) && isServed(i, input.ingressClasses)))
    for (const { hosts = [], secretName } of ingress.spec.tls ?? [])
      if (secretName && hosts.length) want(ingress, secretName, hosts)
  for (const gateway of input.gateways.filter(g => asks(g) && isServedGateway(g, input.gatewayClasses)))
    for (const { hostname, protocol, tls } of gateway.spec.listeners) {
      const [reference, ...more] = tls?.certificateRefs ?? []
      const own = !more.length && (reference?.namespace ?? gateway.metadata.namespace) === gateway.metadata.namespace
      if (protocol === 'HTTPS' && hostname && reference && own) want(gateway, reference.name, [hostname])
    }
  return wanted
}
