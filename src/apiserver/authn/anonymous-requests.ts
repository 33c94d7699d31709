import { ApiError } from '../../models/api-error.ts'
import type { Authenticator } from './authenticator.ts'

/**
 * Lets nobody in whom nobody else knows, but to these paths. To be asked last.
 * @param paths exactly as requests have them, without a query: `/livez`
 */
export function strangersOnlyAt(paths: Iterable<string>): Authenticator {
  const open = new Set(paths)
  return {
    authenticate({ url }) {
      if (open.has(url.split('?', 1)[0]!)) return undefined
      throw new ApiError('Unauthorized', 'Unauthorized')
    },
  }
}
