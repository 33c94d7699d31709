import { same } from '../../base/equality.ts'
import { invalidError } from '../../models/api-error.ts'
import { forbidden } from '../../models/field-error.ts'
import { Pod } from '../../models/kinds/index.ts'
import { partHandlers } from './part.ts'

interface Named {
  name: string
}

/** `kubectl debug`: containers are added to a running pod, never taken out or changed. */
export const ephemeralContainers = partHandlers('ephemeralcontainers', (present, sent) => {
  const before: Named[] = present['spec'].ephemeralContainers ?? []
  const after: Named[] = sent['spec']?.ephemeralContainers ?? []
  for (const container of before)
    if (
      !same(
        after.find(c => c.name === container.name),
        container,
      )
    )
      throw invalidError(Pod, present.metadata.name, [
        forbidden(
          'spec.ephemeralContainers',
          `existing ephemeral containers ${JSON.stringify(container.name)} may not be removed or changed`,
        ),
      ])
  if (after.length) present['spec'].ephemeralContainers = after
})
