import { TokenRefused } from './jwt-tokens.ts'

export type Claims = Readonly<Record<string, unknown>>

/** A claim that is one text. An e-mail address counts only when the issuer has verified it, if it says so at all. @throws TokenRefused */
export function claimText(claims: Claims, name: string): string {
  const value = claims[name]
  if (typeof value !== 'string' || value === '') throw new TokenRefused(`claim ${name} is no text`)
  if (name === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true)
    throw new TokenRefused('email not verified')
  return value
}

/** A claim that is a text, or several; none where it is not there. @throws TokenRefused */
export function claimTexts(claims: Claims, name: string): string[] {
  const said: unknown[] = [claims[name] ?? []].flat()
  if (!said.every(one => typeof one === 'string')) throw new TokenRefused(`claim ${name} is no list of texts`)
  return said
}
