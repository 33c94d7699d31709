import { ownersProblem } from '../../models/apply/read-owners.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Admission } from '../admission/chain.ts'
import { withoutDoubleOwners } from './owner-references.ts'

/**
 * Lets admission change the object; what it breaks of the metadata is mended, with a warning.
 * @returns whether anything may lack its defaults now
 */
export function admitChanges(admission: Admission): boolean | Promise<boolean> {
  const owners = admission.object!.metadata.managedFields
  const changed = admission.core.admission.mutate(admission)
  return changed instanceof Promise
    ? changed.then(c => mended(admission, owners, c))
    : mended(admission, owners, changed)
}

function mended(admission: Admission, owners: AnyObject['metadata']['managedFields'], changed: boolean): boolean {
  const object = admission.object!
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
