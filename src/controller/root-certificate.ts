import type { Source } from '../client/reconciler.ts'

/** The certificate (PEM) of the authority that signed the API's, which may be renewed while controllers run. */
export interface RootCertificate {
  current(): string
  /** @param changed is called when it is another one. @returns how to call it off */
  follow(changed: () => void): () => void
}

/** One that stays as it is is given by itself. */
export const rootCertificate = (given: string | RootCertificate): RootCertificate =>
  typeof given === 'string' ? { current: () => given, follow: () => () => {} } : given

/** @param keys of a reconciler that hands it on: all that have it */
export const renewals = (certificate: RootCertificate, keys: Source['keys']): Source[] => [
  { subscribe: changed => certificate.follow(changed), keys },
]
