import type { Client } from '../../client/index.ts'
import { isNotFound } from '../../models/api-error.ts'
import { Secret } from '../../models/kinds/index.ts'
import type { Draft } from '../../models/object.ts'
import type { AcmeAccount, CertificateAuthority } from './authority.ts'

export interface Failure {
  /** In a row. */
  count: number
  /** RFC 3339. */
  retryAt: string
}

export interface AcmeSettings {
  directoryUrl: string
  email: string | undefined
}

const key = { namespace: 'kube-system', name: 'optiflow-acme-account' }
const decoded = (secret: Secret, field: string) => Buffer.from(secret.data?.[field] ?? '', 'base64').toString()
const encoded = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))

/** The account at the authority, and what failed there, in a Secret: a restart must not ask more often. */
export class AccountStore {
  readonly #client: Client
  readonly #settings: AcmeSettings
  readonly #authority: CertificateAuthority

  constructor(client: Client, settings: AcmeSettings, authority: CertificateAuthority) {
    this.#client = client
    this.#settings = settings
    this.#authority = authority
  }

  /** Registers one if there is none at this authority. @throws NotIssued */
  async account(): Promise<AcmeAccount> {
    const { directoryUrl, email } = this.#settings
    const secret = await this.#read()
    if (secret && decoded(secret, 'directory') === directoryUrl && decoded(secret, 'url'))
      return { directoryUrl, email, key: decoded(secret, 'key.pem'), url: decoded(secret, 'url') }
    const account = { directoryUrl, email, key: await this.#authority.newKey(), url: undefined }
    const url = await this.#authority.register(account)
    await this.#write({ 'key.pem': account.key, directory: directoryUrl, url })
    return { ...account, url }
  }

  async failures(): Promise<Record<string, Failure>> {
    const secret = await this.#read()
    const text = secret && decoded(secret, 'failures.json')
    return text ? JSON.parse(text) : {}
  }

  /** @param failure undefined: it went well */
  async note(certificate: string, failure: Failure | undefined): Promise<void> {
    const { [certificate]: before, ...others } = await this.failures()
    if (!before && !failure) return
    await this.#write({ 'failures.json': JSON.stringify(failure ? { ...others, [certificate]: failure } : others) })
  }

  async #read(): Promise<Secret | undefined> {
    try {
      return await this.#client.get(Secret, key)
    } catch (error) {
      if (!isNotFound(error)) throw error
      return undefined
    }
  }

  async #write(fields: Record<string, string>): Promise<void> {
    const data = encoded(fields)
    if (await this.#read()) await this.#client.patch(Secret, key, { type: 'merge', body: { data } })
    else await this.#client.create(Secret, { metadata: key, type: 'Opaque', data } as Draft<Secret>)
  }
}
