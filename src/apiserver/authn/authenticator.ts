import type { ApiRequest, UserInfo } from '../../models/rest.ts'

/** Says who asks, or undefined if it does not know such credentials. @throws ApiError Unauthorized for bad ones it does know */
export interface Authenticator {
  /** @param warnings what the user is to be told goes here */
  authenticate(request: ApiRequest, warnings?: string[]): UserInfo | undefined | Promise<UserInfo | undefined>
}

export const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Everybody who is known belongs to this group. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')
    ? user
    : { ...user, groups: [...user.groups, 'system:authenticated'] }
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(request: ApiRequest): string | undefined {
  const header = request.headers['authorization']
  if (!header) return undefined
  const found = /^bearer +(\S+) *$/i.exec(header)
  return found?.[1]
}
