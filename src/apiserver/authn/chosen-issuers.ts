import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import type { Authenticator } from './authenticator.ts'
import { type JwtIssuer, JwtTokens } from './jwt-tokens.ts'

/** Issuers of tokens that are believed; others can take their places while the server runs. */
export class ChosenIssuers implements Authenticator {
  readonly #outside: { net: Net; clock: Clock; log: Logger }
  #tokens: JwtTokens[] = []

  constructor(issuers: JwtIssuer[], outside: { net: Net; clock: Clock; log: Logger }) {
    this.#outside = outside
    this.choose(issuers)
  }

  /** From the next request on. */
  choose(issuers: JwtIssuer[]): void {
    this.#tokens = issuers.map(issuer => new JwtTokens(issuer, this.#outside))
  }

  async authenticate(request: ApiRequest): Promise<UserInfo | undefined> {
    for (const tokens of this.#tokens) {
      const user = await tokens.authenticate(request)
      if (user) return user
    }
    return undefined
  }
}
