import { cel } from '../types.ts'
import type { Duration } from '../values/value.ts'
import { reads } from './costs.ts'
import { library, method } from './function.ts'
import { formatPlainText } from './text-format.ts'

/** Where Kubernetes' engine departs from the language's specification: the specification's way, for its tests. */
export const specified = library({
  format: [method('specified_format', [cel.string, cel.list(cel.dyn)], cel.string, formatPlainText, reads(0))],
  getMilliseconds: [
    method('specified_milliseconds', [cel.duration], cel.int, ({ nanos }: Duration) => (nanos / 1_000_000n) % 1000n),
  ],
})
