import { Ingress, IngressClass, Secret, Service } from '../../models/kinds/index.ts'
import type { Asking } from '../asking.ts'
import { type Explainer, type Finding, stops, waits } from '../explanation.ts'

const defaultClass = 'ingressclass.kubernetes.io/is-default-class'

export const ingress: Explainer<Ingress> = {
  kind: Ingress,
  summary({ status }) {
    const at = (status?.loadBalancer?.ingress ?? []).map(i => i.ip ?? i.hostname)
    return at.length ? `it answers at ${at.join(', ')}` : 'it has no address yet'
  },
  async findings(object, ask) {
    const found = [...(await classOf(object, ask)), ...(await backends(object, ask)), ...(await secrets(object, ask))]
    const waiting = !object.status?.loadBalancer?.ingress?.length && !found.some(f => f.mark === 'stops')
    return waiting ? [...found, waits('its controller has not given it an address yet')] : found
  },
}

async function classOf({ spec }: Ingress, ask: Asking): Promise<Finding[]> {
  const classes = await ask.list(IngressClass)
  if (ask.hidden.has('ingressclasses')) return []
  const names = classes.map(c => c.metadata.name).join(', ')
  const next = names ? `There are: ${names}.` : 'Install a controller that brings its IngressClass.'
  if (spec?.ingressClassName)
    return classes.some(c => c.metadata.name === spec.ingressClassName)
      ? []
      : [stops(`there is no IngressClass ${spec.ingressClassName} (spec.ingressClassName)`, next)]
  if (classes.some(c => c.metadata.annotations?.[defaultClass] === 'true')) return []
  return [
    stops('it names no IngressClass, and none is the default', names ? `Set spec.ingressClassName. ${next}` : next),
  ]
}

async function backends({ metadata, spec }: Ingress, ask: Asking): Promise<Finding[]> {
  const rules = (spec?.rules ?? []).flatMap(rule => rule.http?.paths ?? []).map(path => path.backend.service)
  const all = [spec?.defaultBackend?.service, ...rules].filter(backend => backend !== undefined)
  const found: Finding[] = []
  for (const name of new Set(all.map(backend => backend.name))) {
    const service = await ask.get(Service, { namespace: metadata.namespace!, name })
    if (service === 'missing') found.push(stops(`there is no Service ${name}, which it leads to`))
    if (typeof service === 'string') continue
    for (const { port } of all.filter(backend => backend.name === name)) {
      const has = service.spec.ports?.some(p => (port?.name ? p.name === port.name : p.port === port?.number))
      const ports = (service.spec.ports ?? []).map(p => p.name ?? p.port).join(', ')
      if (!has) found.push(stops(`Service ${name} has no port ${port?.name ?? port?.number}`, `It has: ${ports}.`))
    }
  }
  return found
}

async function secrets({ metadata, spec }: Ingress, ask: Asking): Promise<Finding[]> {
  const found: Finding[] = []
  for (const { secretName, hosts } of spec?.tls ?? []) {
    if (!secretName) continue
    const secret = await ask.get(Secret, { namespace: metadata.namespace!, name: secretName })
    const where = `the certificate of ${(hosts ?? ['every host']).join(', ')}`
    if (secret === 'missing') found.push(stops(`there is no Secret ${secretName}, which has ${where}`))
    else if (secret !== 'hidden' && !secret.data?.['tls.crt'])
      found.push(stops(`Secret ${secretName} has no tls.crt, ${where}`))
  }
  return found
}
