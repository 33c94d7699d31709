import type { UserInfo } from '../../models/rest.ts'
import type { Attributes, AuthorizerChain } from '../authz/authorizer.ts'

type Asked = Partial<NonNullable<Attributes['resource']>> & { group: string; plural: string }

/** Whether the user may do this, beyond what the request itself needs. @returns undefined, or why not */
export async function refusalOf(
  authorizer: AuthorizerChain,
  user: UserInfo,
  verb: string,
  asked: Asked,
): Promise<string | undefined> {
  const resource = { version: '*', subresource: '', namespace: '', name: '', ...asked }
  const decision = await authorizer.authorize({ user, verb, path: '', resource })
  return decision.allowed ? undefined : decision.reason
}

/** The signer's own name, or all of its domain: `example.com/*`. */
export async function mayForSigner(
  authorizer: AuthorizerChain,
  user: UserInfo,
  verb: 'approve' | 'sign' | 'attest',
  signerName: string,
): Promise<boolean> {
  for (const name of [signerName, `${signerName.split('/', 1)[0]}/*`]) {
    const asked = { group: 'certificates.k8s.io', plural: 'signers', name }
    if ((await refusalOf(authorizer, user, verb, asked)) === undefined) return true
  }
  return false
}
