import { HorizontalPodAutoscaler } from '../../models/kinds/index.ts'
import type { KubeObject } from '../../models/object.ts'
import type { Asking } from '../asking.ts'
import { type Finding, stops, waits, well } from '../explanation.ts'

/** `2 of 3 replicas are available`. */
export function scaledTo(wanted = 1, are = 0, what: string): string {
  return wanted === 0 && are === 0 ? 'it is asked for no replicas' : `${are} of ${wanted} replicas are ${what}`
}

interface Observed extends KubeObject {
  status?: { observedGeneration?: number }
}

/** That no controller has seen the newest spec. */
export function unseen({ metadata, status }: Observed): Finding[] {
  const { generation = 0 } = metadata
  const seen = status?.observedGeneration ?? 0
  if (seen >= generation) return []
  const text = `no controller has seen generation ${generation} of its spec yet (status.observedGeneration is ${seen})`
  return [waits(text, 'If it stays so, see whether the controllers run: optiflow status')]
}

/** What to do about a creation that a quota refused. */
export function quotaStep(message: string | undefined, { metadata }: KubeObject): string | undefined {
  const quota = /exceeded quota: ([^,]+),/.exec(message ?? '')?.[1]
  if (quota) return `Raise spec.hard of ResourceQuota ${metadata.namespace}/${quota}, or ask for less.`
  if (/violates PodSecurity/.test(message ?? ''))
    return `Change the template's securityContext, or the label pod-security.kubernetes.io/enforce of namespace ${metadata.namespace}.`
  const account = /serviceaccount "([^"]+)" not found/.exec(message ?? '')?.[1]
  return account && `kubectl create serviceaccount ${account.split('/').at(-1)} -n ${metadata.namespace}`
}

/** Who else decides how many there are. */
export async function autoscalerOf(object: KubeObject, ask: Asking): Promise<Finding[]> {
  const { namespace, name } = object.metadata
  const all = await ask.list(HorizontalPodAutoscaler, { namespace: namespace! })
  return all
    .filter(({ spec }) => spec.scaleTargetRef.kind === object.kind && spec.scaleTargetRef.name === name)
    .map(({ metadata, spec }) =>
      well(
        `HorizontalPodAutoscaler ${metadata.name} sets its replicas, between ${spec.minReplicas ?? 1} and ${spec.maxReplicas}`,
      ),
    )
}

/** That it is asked for none by way of zero. */
export const askedForNone = (field: string): Finding => stops(`${field} is 0`, `Set ${field} to what you want.`)
