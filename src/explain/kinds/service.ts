import { selectorFromLabels } from '../../base/labels.ts'
import { EndpointSlice, Pod, Service } from '../../models/kinds/index.ts'
import { labelsText } from '../../models/kinds/selector-text.ts'
import { isPodReady } from '../../models/pod-state.ts'
import type { ServicePort } from '../../models/types/core-v1.ts'
import type { Asking } from '../asking.ts'
import { type Explainer, type Finding, stops, unknown, waits, well } from '../explanation.ts'

export const service: Explainer<Service> = {
  kind: Service,
  summary({ spec, status }) {
    if (spec.type === 'ExternalName') return `its name stands for ${spec.externalName}`
    const at = (status?.loadBalancer?.ingress ?? []).map(i => i.ip ?? i.hostname).join(', ')
    return `${spec.type ?? 'ClusterIP'} at ${at || spec.clusterIP}`
  },
  async findings(object, ask) {
    const { spec, status, metadata } = object
    if (spec.type === 'ExternalName') return []
    const found: Finding[] = []
    if (spec.type === 'LoadBalancer' && !status?.loadBalancer?.ingress?.length)
      found.push(
        stops(
          'it has no address outside the cluster yet',
          'docs/network.md says who gives one; its events say what was tried.',
        ),
      )
    if (!spec.selector || !Object.keys(spec.selector).length) {
      const slices = await ask.list(EndpointSlice, {
        namespace: metadata.namespace!,
        labelSelector: `kubernetes.io/service-name=${metadata.name}`,
      })
      const addresses = slices.flatMap(slice => slice.endpoints ?? [])
      found.push(
        addresses.length
          ? well(`it selects no pods; ${addresses.length} addresses were given to it by hand`)
          : stops(
              'it has no spec.selector, and nobody gave it addresses',
              'Set spec.selector, or create its EndpointSlice.',
            ),
      )
      return found
    }
    return [...found, ...(await selected(object, ask))]
  },
}

async function selected({ metadata, spec }: Service, ask: Asking): Promise<Finding[]> {
  const all = await ask.list(Pod, { namespace: metadata.namespace! })
  if (ask.hidden.has('pods')) return []
  const selector = selectorFromLabels(spec.selector)
  const pods = all.filter(pod => selector.matches(pod.metadata.labels))
  const words = labelsText(spec.selector)
  if (!pods.length)
    return [
      stops(
        `no pod of namespace ${metadata.namespace} has the labels ${words} (spec.selector)`,
        nearest(all, spec.selector!),
      ),
    ]
  const ready = pods.filter(pod => isPodReady(pod) && !pod.metadata.deletionTimestamp)
  const found: Finding[] = []
  if (!ready.length) {
    const [first] = pods
    const text = `none of the ${pods.length} pods with ${words} is ready${spec.publishNotReadyAddresses ? ', and they are named all the same' : ''}`
    found.push(stops(text, `optiflow why pod/${first!.metadata.name} -n ${metadata.namespace}`))
  } else if (ready.length < pods.length)
    found.push(waits(`${ready.length} of ${pods.length} pods are ready and get connections`))
  else found.push(well(`all ${pods.length} pods with ${words} are ready`))
  return [...found, ...(spec.ports ?? []).flatMap(port => targetOf(port, pods))]
}

/** A pod that has some of the labels says which one is amiss. */
function nearest(pods: readonly Pod[], wanted: Record<string, string>): string | undefined {
  const pairs = Object.entries(wanted)
  const has = ({ metadata }: Pod) => pairs.filter(([key, value]) => metadata.labels?.[key] === value).length
  const keys = ({ metadata }: Pod) => pairs.filter(([key]) => metadata.labels?.[key] !== undefined).length
  const best = pods.toSorted((a, b) => has(b) - has(a) || keys(b) - keys(a))[0]
  if (!best || !keys(best)) return undefined
  const [key, value] = pairs.find(([key, value]) => best.metadata.labels?.[key] !== value)!
  const its = best.metadata.labels?.[key]
  return `Pod ${best.metadata.name} comes nearest: it has ${its === undefined ? `no label ${key}` : `${key}=${its}`}, not ${key}=${value}.`
}

/** That a port leads to none that a container names. */
function targetOf({ name, port, targetPort = port, protocol = 'TCP' }: ServicePort, pods: readonly Pod[]): Finding[] {
  const named = ({ spec }: Pod) =>
    spec.containers.flatMap(c => c.ports ?? []).filter(p => (p.protocol ?? 'TCP') === protocol)
  const label = name ? `port ${name}` : `port ${port}`
  if (typeof targetPort === 'string' && !/^\d+$/.test(targetPort)) {
    const lacking = pods.filter(pod => !named(pod).some(p => p.name === targetPort))
    if (!lacking.length) return []
    const names = [...new Set(named(lacking[0]!).map(p => p.name ?? `${p.containerPort}`))].join(', ')
    const next = names
      ? `Its containers name: ${names}.`
      : 'Name the port in spec.containers[].ports, or give its number.'
    return [stops(`${label}: pod ${lacking[0]!.metadata.name} has no port named "${targetPort}" (targetPort)`, next)]
  }
  const first = named(pods[0]!)
  if (!first.length || first.some(p => p.containerPort === Number(targetPort))) return []
  return [
    unknown(
      `${label} leads to ${targetPort}/${protocol}, and the containers of pod ${pods[0]!.metadata.name} name ${first.map(p => p.containerPort).join(', ')}`,
      'It works if a program listens there; else mend targetPort.',
    ),
  ]
}
