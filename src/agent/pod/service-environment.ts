import { bracketed, plainAddress } from '../../base/ip.ts'
import type { Pod, Service } from '../../models/types/core-v1.ts'

/**
 * The variables that tell a container where services are: `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR`, …
 * @param services of the pod's namespace, and default/kubernetes, which every pod is told of
 */
export function serviceEnvironment(pod: Pod, services: readonly Service[]): Map<string, string> {
  const out = new Map<string, string>()
  for (const service of services) {
    const kubernetes = service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes'
    const own = service.metadata.namespace === pod.metadata.namespace && pod.spec.enableServiceLinks !== false
    if (kubernetes || own) describe(service, out)
  }
  return out
}

function describe({ metadata, spec }: Service, out: Map<string, string>): void {
  const host = plainAddress(spec?.clusterIP ?? '')
  const ports = spec?.ports ?? []
  if (!host || host === 'None' || !ports.length) return
  const prefix = variableName(metadata.name)
  out.set(`${prefix}_SERVICE_HOST`, host)
  out.set(`${prefix}_SERVICE_PORT`, String(ports[0]!.port))
  for (const { name, port } of ports) if (name) out.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port))
  const address = bracketed(host)
  ports.forEach(({ port, protocol = 'TCP' }, i) => {
    const scheme = protocol.toLowerCase()
    const url = `${scheme}://${address}:${port}`
    if (i === 0) out.set(`${prefix}_PORT`, url)
    const one = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    out.set(one, url)
    out.set(`${one}_PROTO`, scheme)
    out.set(`${one}_PORT`, String(port))
    out.set(`${one}_ADDR`, host)
  })
}

const variableName = (name: string) => name.replaceAll('-', '_').toUpperCase()
