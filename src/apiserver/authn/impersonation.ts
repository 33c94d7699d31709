import { OptiFlowError } from '../../base/errors.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import { type Attributes, type AuthorizerChain, mayNot } from '../authz/authorizer.ts'
import { headersBelow, headerValues } from './header-values.ts'

/** Groups, uid or extra of nobody: answered as a failure in plain text, as by Kubernetes. */
export class NobodyImpersonated extends OptiFlowError {}

/**
 * Who the request wants to be taken for, if it says so and may.
 * @throws ApiError Forbidden
 * @throws NobodyImpersonated
 */
export async function impersonated(
  request: ApiRequest,
  user: UserInfo,
  authorizer: AuthorizerChain,
): Promise<UserInfo> {
  const { headers } = request
  const name = headers['impersonate-user']
  const groups = headerValues(request, 'impersonate-group').filter(Boolean)
  const uid = headers['impersonate-uid']
  const extra = headersBelow(request, 'impersonate-extra-')
  if (!name) {
    const wanted = [
      ...groups.map(group => `{Group  ${group}    }`),
      ...Object.entries(extra).flatMap(([key, values]) =>
        values.map(value => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`),
      ),
      ...(uid ? [`{UID  ${uid}  authentication.k8s.io/v1  }`] : []),
    ]
    if (wanted.length) throw new NobodyImpersonated(`requested [${wanted.join(' ')}] without impersonating a user`)
    return user
  }
  const check = async (
    group: string,
    plural: string,
    subject: string,
    rest: { subresource?: string; namespace?: string } = {},
  ) => {
    const attributes: Attributes = {
      user,
      verb: 'impersonate',
      path: '',
      resource: {
        group,
        version: 'v1',
        plural,
        subresource: rest.subresource ?? '',
        namespace: rest.namespace ?? '',
        name: subject,
      },
    }
    const decision = await authorizer.authorize(attributes)
    if (!decision.allowed) throw mayNot(attributes, decision.reason)
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name)
  if (account) await check('', 'serviceaccounts', account[2]!, { namespace: account[1]! })
  else await check('', 'users', name)
  for (const group of groups) await check('', 'groups', group)
  if (uid) await check('authentication.k8s.io', 'uids', uid)
  for (const [key, values] of Object.entries(extra))
    for (const value of values) await check('authentication.k8s.io', 'userextras', value, { subresource: key })
  const own = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : []
  const said = groups.length ? groups : own
  return {
    username: name,
    groups: [...new Set([...said, ...impliedGroup(name, said)])],
    ...(uid ? { uid } : {}),
    ...(Object.keys(extra).length ? { extra } : {}),
  }
}

/** Everybody is either known or not; whoever is impersonated with groups may say which. */
function impliedGroup(name: string, groups: string[]): string[] {
  const [known, unknown] = ['system:authenticated', 'system:unauthenticated']
  if (groups.includes(unknown!)) return []
  if (name === 'system:anonymous') return [unknown!]
  return groups.includes(known!) ? [] : [known!]
}

/** Whether the request wants to be taken for somebody else's. */
export function wantsImpersonation({ headers }: ApiRequest): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}
