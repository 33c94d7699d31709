import type { ApiRequest } from '../../models/rest.ts'

/**
 * The values of a header that may come several times, as they were sent: one that holds a comma is still one.
 * @param name in lower case
 */
export function headerValues({ headers, rawHeaders }: ApiRequest, name: string): string[] {
  const joined = headers[name]
  if (joined === undefined) return []
  if (!rawHeaders) return joined.split(',').map(value => value.trim())
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!)
  return values
}

/** Headers that begin so, by the rest of their names; that is decoded, if it is a proper escape. */
export function headersBelow(request: ApiRequest, prefix: string): Record<string, string[]> {
  const found: [string, string[]][] = []
  for (const name in request.headers)
    if (name.startsWith(prefix) && request.headers[name] !== undefined)
      found.push([decoded(name.slice(prefix.length)), headerValues(request, name)])
  return Object.fromEntries(found)
}

/** As written where it is no proper escape: something must be checked and recorded. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
