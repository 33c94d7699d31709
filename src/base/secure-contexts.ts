import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'

/** What of a connection's settings makes its context: PEM. */
export type ContextKeys = Pick<SecureContextOptions, 'allowPartialTrustChain'> & {
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

/** Those used last are kept: a node knows its API server, its probes, and a handful of webhooks and registries. */
const most = 32

const kept = new Map<string, SecureContext>()

/**
 * The context of TLS connections with these keys, the same one for each. One of its own for every connection would read
 * the keys again, and without `ca` all roots that come with the runtime.
 * @throws what OpenSSL says of keys that it cannot use
 */
export function secureContextOf({ ca, cert, key, allowPartialTrustChain }: ContextKeys): SecureContext {
  const name = [ca, cert, key, allowPartialTrustChain].join('\0')
  const partial = allowPartialTrustChain ? { allowPartialTrustChain } : {}
  const context = kept.get(name) ?? createSecureContext({ ca, cert, key, ...partial })
  // Last in the map is the one used last.
  kept.delete(name)
  kept.set(name, context)
  if (kept.size > most) kept.delete(kept.keys().next().value!)
  return context
}
