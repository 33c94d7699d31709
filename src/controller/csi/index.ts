import type { Reconciler } from '../../client/reconciler.ts'
import type { CsiController } from '../../plugins/index.ts'
import { csiAttacherReconciler } from './attacher.ts'
import { csiCapacityReconciler } from './capacity.ts'
import { csiHealthReconciler } from './health.ts'
import { csiProvisionerReconciler } from './provisioner.ts'
import { csiResizerReconciler } from './resizer.ts'

export { csiDeleter } from './provisioner.ts'

/** What the sidecars external-provisioner, -attacher, -resizer and -health-monitor do for a driver, for one whose socket we reach ourselves. */
export function csiReconcilers(name: string, driver: CsiController): Reconciler[] {
  return [
    csiProvisionerReconciler(name, driver),
    csiAttacherReconciler(name, driver),
    csiResizerReconciler(name, driver),
    csiCapacityReconciler(name, driver),
    csiHealthReconciler(name, driver),
  ]
}
