import { createHash } from 'node:crypto'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Authenticator, authenticated, bearerToken } from './authenticator.ts'

/** Tokens that main hands out: admin, components, the token that lets nodes join. */
export class StaticTokens implements Authenticator {
  // Looked up by hash, so that the time it takes tells nothing about a token.
  readonly #users: Map<string, UserInfo>

  constructor(tokens: Record<string, UserInfo>) {
    this.#users = new Map(Object.entries(tokens).map(([token, user]) => [hash(token), authenticated(user)]))
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const token = bearerToken(request)
    return token === undefined ? undefined : this.#users.get(hash(token))
  }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
