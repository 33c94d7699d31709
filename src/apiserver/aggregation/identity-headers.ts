import type { UserInfo } from '../../models/rest.ts'
import { remoteHeaders } from '../authn/front-proxy.ts'

/** Tells an extension server who asks; it believes our front-proxy certificate. */
export function identityHeaders({ username, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  const { user, uid: uidHeader, group, extraPrefix } = remoteHeaders
  const headers: Record<string, string | string[]> = { [user]: clean(username) }
  if (uid) headers[uidHeader] = clean(uid)
  if (groups.length) headers[group] = groups.map(clean)
  for (const [key, values] of Object.entries(extra)) headers[`${extraPrefix}${escaped(key)}`] = values.map(clean)
  return headers
}

/** Names of headers hold less than what is let through by URLs. */
const escaped = (key: string) =>
  encodeURIComponent(key)
    .replace(/[()]/g, c => `%${c.charCodeAt(0).toString(16)}`)
    .toLowerCase()

/** Names come from tokens and certificates, and could hold what no header may. */
const clean = (value: string) => Buffer.from(value.replace(/[\r\n\0]/g, ' ')).toString('latin1')
