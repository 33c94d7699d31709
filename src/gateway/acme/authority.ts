import type { Order } from 'acme-client'
import { codeOf, OptiFlowError } from '../../base/errors.ts'
import type { Certificate } from '../routing-table.ts'

/** No certificate was issued. The message is the authority's own. */
export class NotIssued extends OptiFlowError {
  /** Not to be asked again for so long; undefined: it said nothing. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause: unknown; retryAfterMs?: number | undefined }) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Who asks for certificates, at one authority. */
export interface AcmeAccount {
  directoryUrl: string
  email: string | undefined
  /** PEM. */
  key: string
  /** Where the authority keeps the account; undefined: it has none yet. */
  url: string | undefined
}

/** Makes the answers to an authority's questions visible at all names, and takes them back. */
export interface Challenges {
  show(answers: ReadonlyMap<string, string>): Promise<void>
  hide(): Promise<void>
}

/** An authority that gives certificates to whoever has a name. */
export interface CertificateAuthority {
  newKey(): Promise<string>
  /** @returns where the account is kept. @throws NotIssued */
  register(account: AcmeAccount): Promise<string>
  /** @throws NotIssued */
  issue(account: AcmeAccount, names: readonly string[], challenges: Challenges): Promise<Certificate>
}

const rateLimitedMs = 3_600_000

/**
 * Any authority that speaks ACME. Names are proven over HTTP on port 80.
 * @see RFC 8555
 */
export async function acmeAuthority(): Promise<CertificateAuthority> {
  const { default: acme } = await import('acme-client')
  // It would sleep for as long as the authority says; our own back-off does that, and can be stopped.
  const { defaults, interceptors } = acme.axios as any
  defaults.acmeSettings.retryMaxAttempts = 0
  defaults.timeout = 30_000
  let retryAfterMs: number | undefined
  interceptors.response.use((response: { status: number; headers: Record<string, string | undefined> }) => {
    if (response.status === 429) {
      const seconds = Number(response.headers['retry-after'])
      retryAfterMs = Math.max(seconds * 1_000 || 0, rateLimitedMs)
    }
    return response
  })
  const clientOf = ({ directoryUrl, key, url }: AcmeAccount) =>
    new acme.Client({
      ...{ directoryUrl, accountKey: key, ...(url ? { accountUrl: url } : {}) },
      ...{ backoffAttempts: 12, backoffMin: 500, backoffMax: 8_000 },
    })
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    retryAfterMs = undefined
    try {
      return await work()
    } catch (cause) {
      const code = codeOf(cause)
      const message = (cause as Error).message || (code ?? 'no reason given')
      throw new NotIssued(code && !message.includes(code) ? `${message} (${code})` : message, { cause, retryAfterMs })
    }
  }
  return {
    newKey: async () => (await acme.crypto.createPrivateEcdsaKey()).toString(),
    register: account =>
      told(async () => {
        const client = clientOf(account)
        await client.createAccount({
          termsOfServiceAgreed: true,
          ...(account.email ? { contact: [`mailto:${account.email}`] } : {}),
        })
        return client.getAccountUrl()
      }),
    issue: (account, names, challenges) =>
      told(async () => {
        const client = clientOf(account)
        const order = await client.createOrder({ identifiers: names.map(value => ({ type: 'dns', value })) })
        try {
          await prove(client, order, challenges)
        } finally {
          await challenges.hide()
        }
        const [key, request] = await acme.crypto.createCsr(
          { commonName: names[0]!, altNames: [...names] },
          await acme.crypto.createPrivateEcdsaKey(),
        )
        const ready = await client.finalizeOrder(order, request)
        return { cert: await client.getCertificate(ready), key: key.toString() }
      }),
  }
}

async function prove(client: import('acme-client').Client, order: Order, challenges: Challenges): Promise<void> {
  const open = (await client.getAuthorizations(order)).filter(({ status }) => status !== 'valid')
  const asked = open.map(({ identifier, challenges }) => {
    const challenge = challenges.find(c => c.type === 'http-01')
    if (!challenge) throw new Error(`the authority does not prove ${identifier.value} over HTTP`)
    return challenge
  })
  const answers = new Map<string, string>()
  for (const challenge of asked) answers.set(challenge.token, await client.getChallengeKeyAuthorization(challenge))
  await challenges.show(answers)
  for (const challenge of asked) await client.completeChallenge(challenge)
  for (const challenge of asked) await client.waitForValidStatus(challenge)
}
