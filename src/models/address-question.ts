import type { ServiceRegistrationCheck } from './types/optiflow-v1.ts'

/** Where a node's agent says whether an address outside the cluster is well: a POST with an `AddressQuestion`. */
export const addressQuestionPath = '/optiflow/check'

export interface AddressQuestion {
  /** `10.0.0.5:5432` */
  address: string
  check: ServiceRegistrationCheck
}

export interface AddressAnswer {
  /** What is wrong. Absent: it is well. */
  problem?: string
}
