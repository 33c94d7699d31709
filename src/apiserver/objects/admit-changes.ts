import { ownersProblem } from '../../models/apply/read-owners.ts'
import type { Admission } from '../admission/chain.ts'
import { withoutDoubleOwners } from './owner-references.ts'

/**
 * Lets admission change the object; what it breaks of the metadata is mended, with a warning.
 * @returns whether anything may lack its defaults now
 */
export async function admitChanges(admission: Admission): Promise<boolean> {
  const object = admission.object!
  const owners = object.metadata.managedFields
  const changed = await admission.core.admission.mutate(admission)
  const problem = object.metadata.managedFields === owners ? undefined : ownersProblem(object.metadata.managedFields)
  if (problem) {
    if (owners) object.metadata.managedFields = owners
    else delete object.metadata.managedFields
    admission.warnings.push(
      `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
    )
  }
  withoutDoubleOwners(object, admission.warnings, true)
  return changed
}
