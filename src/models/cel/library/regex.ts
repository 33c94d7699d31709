import { cel } from '../types.ts'
import { ArrayList } from '../values/value.ts'
import { searches } from './costs.ts'
import { library, method } from './function.ts'
import { findAll } from './regex-engine.ts'

const { int, string } = cel
const cost = searches(0, 1, ([text]) => ({ min: 0, max: text!.size.max }))

/** Kubernetes' regular expressions: `find` and `findAll`; `matches` is the language's own. */
export const regexFunctions = library({
  find: [
    method(
      'string_find_string',
      [string, string],
      string,
      (text: string, pattern: string) => findAll(text, pattern, 1)[0] ?? '',
      cost,
    ),
  ],
  findAll: [
    method(
      'string_find_all_string',
      [string, string],
      cel.list(string),
      (text: string, pattern: string) => new ArrayList(findAll(text, pattern, -1)),
      cost,
    ),
    method(
      'string_find_all_string_int',
      [string, string, int],
      cel.list(string),
      (text: string, pattern: string, limit: bigint) => new ArrayList(findAll(text, pattern, Number(limit))),
      cost,
    ),
  ],
})
