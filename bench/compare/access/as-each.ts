import type { Json } from '../side.ts'
import type { Asking } from './index.ts'

/** A request, whoever sends it. */
export type Asked = readonly [method: string, path: string, body?: Json, type?: string]

/** Each of the requests, as each of the users. */
export function asEach(users: readonly string[], asked: readonly Asked[]): Asking[] {
  return users.flatMap(as =>
    asked.map(
      ([method, path, body, type]): Asking => ({
        as,
        method,
        path,
        ...(body === undefined ? {} : { body }),
        ...(type ? { type } : {}),
      }),
    ),
  )
}
