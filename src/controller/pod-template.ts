import { controllerRef } from '../client/owner.ts'
import type { Draft, KubeObject } from '../models/object.ts'
import type { Pod, PodTemplateSpec } from '../models/types/core-v1.ts'

/** The pod that a template describes, controlled by `owner`. Without `name` the server completes `<owner>-`. */
export function podFromTemplate(template: PodTemplateSpec | undefined, owner: KubeObject, name?: string): Draft<Pod> {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    metadata: {
      ...(name ? { name } : { generateName: `${owner.metadata.name}-` }),
      namespace: owner.metadata.namespace!,
      labels: { ...labels },
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers?.length ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [controllerRef(owner)],
    },
    spec: structuredClone(template?.spec ?? { containers: [] }),
  }
}
