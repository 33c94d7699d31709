import { invalidError } from '../../models/api-error.ts'
import { forbidden } from '../../models/field-error.ts'
import { takeResize } from '../../models/kinds/core/pod-resize.ts'
import { Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type * as core from '../../models/types/core-v1.ts'
import { partHandlers } from './part.ts'

const names = (pod: core.Pod) => (pod.spec?.containers ?? []).map(container => container.name)

/** GET, PUT and PATCH of pods/resize: CPU and memory of containers that may be running. Everything else stays as it is. */
export const resize = partHandlers('resize', (present: AnyObject, sent: AnyObject) => {
  const [pod, wanted] = [present, sent] as unknown as [core.Pod, core.Pod]
  if (names(pod).join() !== names(wanted).join())
    throw invalidError(Pod, pod.metadata.name, [
      forbidden('spec.containers', 'containers may not be added, removed or put in another order by a resize'),
    ])
  takeResize(pod, wanted.spec)
})
