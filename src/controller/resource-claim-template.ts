import { controllerOf, controllerRef } from '../client/owner.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { Pod, ResourceClaim, ResourceClaimTemplate } from '../models/kinds/index.ts'
import { isPodTerminal } from '../models/pod-state.ts'

/** On a made claim: the name by which its pod calls it. */
const podClaimName = 'resource.kubernetes.io/pod-claim-name'

/** Makes the claims that pods want by template, and tells each pod what its claims are called. */
export function resourceClaimTemplateReconciler(): Reconciler {
  return {
    name: 'resource-claim-template',
    eventsFrom: 'resource_claim',
    primary: Pod,
    concerns: (pod: Pod) => pod.spec?.resourceClaims !== undefined,
    watches: [
      {
        kind: ResourceClaimTemplate,
        keys: ({ metadata: { namespace, name } }: ResourceClaimTemplate, cache) =>
          cache
            .list(Pod, namespace)
            .filter(p => p.spec.resourceClaims?.some(c => c.resourceClaimTemplateName === name))
            .map(p => ({ namespace: namespace!, name: p.metadata.name })),
      },
      {
        kind: ResourceClaim,
        keys(claim: ResourceClaim) {
          const owner = controllerOf(claim)
          return owner?.kind === 'Pod' ? [{ namespace: claim.metadata.namespace!, name: owner.name }] : []
        },
      },
    ],
    writes: [
      { kind: ResourceClaim, part: 'owned' },
      { kind: Pod, part: 'condition' },
    ],
    async reconcile(key, world) {
      const { cache, client } = world
      const pod = cache.get(Pod, key)
      const wanted = pod?.spec.resourceClaims?.filter(c => c.resourceClaimTemplateName) ?? []
      if (!pod || !wanted.length || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return
      const known = pod.status?.resourceClaimStatuses ?? []
      const made = cache.ownedBy(ResourceClaim, pod.metadata.uid)
      const names: { name: string; resourceClaimName: string }[] = []
      for (const { name, resourceClaimTemplateName } of wanted) {
        const there = made.find(c => c.metadata.annotations?.[podClaimName] === name)?.metadata.name
        const told = known.find(s => s.name === name)?.resourceClaimName
        const claim = there ?? (told || (await make(pod, name, resourceClaimTemplateName!, world)))
        if (claim) names.push({ name, resourceClaimName: claim })
      }
      if (names.every(n => known.some(k => k.name === n.name && k.resourceClaimName === n.resourceClaimName))) return
      const patch = { type: 'strategic' as const, body: { status: { resourceClaimStatuses: names } } }
      await client.patch(Pod, key, patch, { subresource: 'status' })
    },
  }
}

/** @returns the claim's name; undefined if its template is not there (yet) */
async function make(pod: Pod, name: string, templateName: string, { cache, client, events }: World) {
  const { namespace } = pod.metadata
  const template = cache.get(ResourceClaimTemplate, { namespace: namespace!, name: templateName })
  if (!template) {
    const why = `resourceclaimtemplate.resource.k8s.io "${templateName}" not found`
    events.warning(pod, 'FailedResourceClaimCreation', `PodResourceClaim ${name}: resource claim template: ${why}`)
    return undefined
  }
  const { metadata, spec } = template.spec
  // One name for one pod and claim: whoever makes it twice finds it there.
  const key = {
    namespace: namespace!,
    name: `${`${pod.metadata.name}-${name}`.slice(0, 247)}-${pod.metadata.uid.slice(0, 5)}`,
  }
  try {
    await client.create<ResourceClaim>(ResourceClaim, {
      metadata: {
        ...key,
        ...(metadata?.labels ? { labels: metadata.labels } : {}),
        annotations: { ...metadata?.annotations, [podClaimName]: name },
        ownerReferences: [controllerRef(pod)],
      },
      spec,
    })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    if (controllerOf(await client.get(ResourceClaim, key))?.uid !== pod.metadata.uid) throw error
  }
  return key.name
}
