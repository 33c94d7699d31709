import type { Queue } from '../../models/types/optiflow-v1.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { QueueRules } from './ledger.ts'

export function rulesOf({ metadata, spec }: Queue, table: ResourceTable): QueueRules {
  return {
    name: metadata.name,
    cohort: spec?.cohort || undefined,
    quota: table.amounts(spec?.quota),
    borrowingLimit: table.amounts(spec?.borrowingLimit),
    weight: spec?.weight ?? 1,
    backfill: (spec?.backfill ?? 'Expected') as QueueRules['backfill'],
    reclaim: (spec?.reclaim ?? 'Never') as QueueRules['reclaim'],
    hold: spec?.hold ?? false,
  }
}
