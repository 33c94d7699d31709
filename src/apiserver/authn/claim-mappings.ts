import { CelCostExceeded, type CelProgram, CelRuntimeError } from '../../models/cel/index.ts'
import type { UserInfo } from '../../models/rest.ts'
import { type Claims, claimText, claimTexts } from './claims.ts'
import { TokenRefused } from './jwt-tokens.ts'

/** Where an attribute of a user comes from: one claim, or an expression over all of them. */
export type Source = { claim: string; prefix: string } | { expression: CelProgram }

export interface Rule {
  expression: CelProgram
  message: string
}

/** What a token's claims say of a user, as an AuthenticationConfiguration has it. */
export interface ClaimMappings {
  username: Source
  groups?: Source
  uid?: Source
  extra: { key: string; value: CelProgram }[]
  requiredClaims: { claim: string; value: string }[]
  /** Over `claims`, then over `user`. */
  claimRules: Rule[]
  userRules: Rule[]
}

/** In Kubernetes' units, of one expression. */
const costLimit = 1_000_000

/** @throws TokenRefused */
export function userOfClaims(mappings: ClaimMappings, claims: Claims): UserInfo {
  const bindings = { claims }
  const user: UserInfo = {
    username: textOf(mappings.username, claims, 'username'),
    groups: mappings.groups ? textsOf(mappings.groups, claims) : [],
  }
  const uid = mappings.uid && textOf(mappings.uid, claims, 'uid')
  if (uid) user.uid = uid
  const extra = mappings.extra
    .map(({ key, value }) => [key, asTexts(run(value, bindings))] as const)
    .filter(([, values]) => values.length)
  if (extra.length) user.extra = Object.fromEntries(extra)
  for (const { claim, value } of mappings.requiredClaims)
    if (claims[claim] !== value) throw new TokenRefused(`claim ${claim} is not ${JSON.stringify(value)}`)
  checkRules(mappings.claimRules, bindings)
  const { username, groups } = user
  checkRules(mappings.userRules, { user: { username, groups, uid: user.uid ?? '', extra: user.extra ?? {} } })
  return user
}

function textOf(source: Source, claims: Claims, what: string): string {
  if ('claim' in source) return source.prefix + claimText(claims, source.claim)
  const value = run(source.expression, { claims })
  if (typeof value !== 'string') throw new TokenRefused(`the expression of ${what} is no text`)
  if (value === '' && what === 'username') throw new TokenRefused('the expression of username is empty')
  return value
}

function textsOf(source: Source, claims: Claims): string[] {
  if ('expression' in source) return asTexts(run(source.expression, { claims }))
  return claimTexts(claims, source.claim).map(text => source.prefix + text)
}

/** Empty texts and nothing count as not said. */
function asTexts(value: unknown): string[] {
  const said: unknown[] = [value ?? []].flat()
  return said.filter((one): one is string => {
    if (typeof one !== 'string') throw new TokenRefused('an expression is neither a text nor a list of texts')
    return one !== ''
  })
}

function checkRules(rules: Rule[], bindings: Record<string, unknown>): void {
  for (const { expression, message } of rules)
    if (run(expression, bindings) !== true)
      throw new TokenRefused(message || `validation expression '${expression.source}' failed`)
}

function run(program: CelProgram, bindings: Record<string, unknown>): unknown {
  try {
    return program.evaluate(bindings, { costLimit }).value
  } catch (error) {
    if (!(error instanceof CelRuntimeError || error instanceof CelCostExceeded)) throw error
    throw new TokenRefused(`expression '${program.source}' resulted in error: ${error.message}`)
  }
}
