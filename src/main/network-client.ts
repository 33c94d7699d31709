import { type Client, createClient, type HttpTransportOptions, httpTransport } from '../client/index.ts'
import { ServiceAccount } from '../models/kinds/index.ts'
import { networkAccount } from '../models/network-account.ts'
import type { TokenRequest } from '../models/types/authentication-v1.ts'
import type { OutsideWorld } from './outside.ts'

const lifeSeconds = 3600
const renewedAfter = 0.8

/** A client that sees what enforcing network policies takes. Its token is asked for by `node`, and renewed in time. */
export function openNetworkClient(
  node: Client,
  server: Pick<HttpTransportOptions, 'server' | 'identity' | 'userAgent'>,
  { clock }: Pick<OutsideWorld, 'clock'>,
): AsyncDisposable & { client: Client } {
  let token: { text: string; renewAtMonoMs: number } | undefined
  const transport = httpTransport({
    ...server,
    async token() {
      const now = clock.monotonicMs()
      if (!token || now >= token.renewAtMonoMs) {
        const reply = await node.post<TokenRequest>(ServiceAccount, networkAccount, 'token', {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          metadata: {},
          spec: { audiences: [], expirationSeconds: lifeSeconds },
        })
        token = { text: reply.status!.token, renewAtMonoMs: now + lifeSeconds * 1000 * renewedAfter }
      }
      return token.text
    },
  })
  return { client: createClient(transport), [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() }
}
