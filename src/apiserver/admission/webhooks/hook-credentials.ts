/** What we show to a webhook; PEM and plain texts. */
export interface Credentials {
  token?: string
  cert?: string
  key?: string
  username?: string
  password?: string
}

/** The users of a kubeconfig whose names are those of servers: `hook.shop.svc`, `*.example.com:8443`, `*`. */
export interface HookCredentials {
  users: ReadonlyMap<string, Credentials>
  /** Whose is shown to a server that no name fits. */
  current?: string
}

/**
 * What is shown to a server: of the name itself, of the longest `*.` before its end, of the same without the port 443, of `*`,
 * of the current user.
 * @param target `hook.shop.svc:443`
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#authenticate-apiservers
 */
export function credentialsFor({ users, current }: HookCredentials, target: string): Credentials | undefined {
  const names = [...namesOf(target), ...(target.endsWith(':443') ? namesOf(target.slice(0, -4)) : []), '*']
  const name = names.find(one => users.has(one)) ?? current
  return name === undefined ? undefined : users.get(name)
}

function namesOf(target: string): string[] {
  const steps = target.split('.')
  return [target, ...steps.slice(1).map((_, i) => `*.${steps.slice(i + 1).join('.')}`)]
}

/** As a header, where they have one. */
export function authorizationOf({ token, username, password }: Credentials): string | undefined {
  if (token) return `Bearer ${token}`
  if (username || password) return `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`
  return undefined
}
