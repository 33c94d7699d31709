import { whyNoContainers } from '../../support/machine.ts'
import type { Measurement, Row } from '../../support/measurement.ts'
import { firstRequest } from './first-request.ts'
import { names } from './names.ts'
import { overhead } from './overhead.ts'
import { ruleUpdates } from './rule-updates.ts'

export const net: Measurement = {
  name: 'net',
  about:
    'A node and two pods as network namespaces: Services by our rules beside their endpoints (by wrk), the time until rules and first requests follow, and the DNS server of one node.',
  async *run(): AsyncIterable<Row> {
    const missing = whyNoContainers()
    if (missing) {
      yield { what: 'net', value: `not measured: ${missing}` }
      return
    }
    yield* ruleUpdates()
    yield* overhead()
    yield* firstRequest()
    yield* names()
  },
}
