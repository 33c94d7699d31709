import type { Volume } from '../../models/types/core-v1.ts'

/** Named by the pod itself, without a claim, and attached to one node at a time unless all only read. */
export const isDisk = (v: Volume): boolean =>
  (v.gcePersistentDisk ?? v.awsElasticBlockStore ?? v.rbd ?? v.iscsi) !== undefined
