import { compareQuantities } from '../../base/quantity.ts'
import { ResourceQuota } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, waits, well } from '../explanation.ts'

export const resourceQuota: Explainer<ResourceQuota> = {
  kind: ResourceQuota,
  summary({ status }) {
    const full = Object.entries(status?.hard ?? {}).filter(([name, hard]) => isFull(hard, status?.used?.[name]))
    return full.length ? `${full.map(([name]) => name).join(', ')} used up` : 'it leaves room for more of everything'
  },
  findings({ spec, status }) {
    if (!status?.hard) return [waits('its controller has not counted yet')]
    return Object.entries(status.hard).map(([name, hard]): Finding => {
      const used = status.used?.[name] ?? '0'
      const text = `${name}: ${used} of ${spec?.hard?.[name] ?? hard} used`
      return isFull(hard, used) ? stops(text, `Raise spec.hard["${name}"], or delete what is not needed.`) : well(text)
    })
  },
}

const isFull = (hard: string, used = '0') => compareQuantities(used, hard) >= 0
