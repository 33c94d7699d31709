import type { Listening } from '../apiserver/index.ts'
import { keepAllRenewed } from '../base/certificate-rotation.ts'
import type { KeyPair } from '../base/certificates.ts'
import type { OutsideWorld } from './outside.ts'
import type { FollowedKey, Pki, ServerKey } from './pki.ts'

const names: readonly ServerKey[] = ['server', 'agentClient', 'frontProxyClient']
type Outside = Pick<OutsideWorld, 'clock' | 'random' | 'log'>

/** What the API's listener shows: the chain ends with the authority, so that a joining node can compare it with its token's fingerprint. */
export const shownBy = ({ server, ca }: Pki): KeyPair => ({
  cert: `${server.cert.trim()}\n${ca.cert.trim()}\n`,
  key: server.key,
})

/** What its listener goes by: what it shows, and whose certificates it believes. */
export const listenerKeys = (pki: Pki) => ({
  ...shownBy(pki),
  clientCa: pki.ca.cert,
  frontProxyCa: pki.frontProxyCa.cert,
})

/** One of the pairs as it is at any moment. */
export const current = (pki: Pki, name: FollowedKey): KeyPair => ({
  get cert() {
    return pki[name].cert
  },
  get key() {
    return pki[name].key
  },
})

/** Replaces the server's own certificates in time, as it runs, and puts to use what was taken over from files. @returns ends that */
export function keepServerKeys(
  pki: Pki,
  listening: Pick<Listening, 'useCertificate'>,
  { clock, random, log }: Outside,
): () => void {
  const rotations = names.map(name => ({
    certificate: name,
    current: () => pki[name],
    async renew() {
      await pki.renew(name)
      if (name === 'server') listening.useCertificate(listenerKeys(pki))
    },
    ...{ clock, random, log },
  }))
  const letBe = keepAllRenewed(rotations, 'the server stops')
  const unfollow = pki.follow(() => listening.useCertificate(listenerKeys(pki)))
  return () => {
    unfollow()
    letBe()
  }
}

/**
 * Replaces the administrator's certificate in time. Copies of the old one hold until its end.
 * @param handOut puts the new one where the administrator's programs have it from
 * @returns ends that
 */
export function keepAdminKey(pki: Pki, handOut: () => Promise<void>, { clock, random, log }: Outside): () => void {
  const rotation = {
    certificate: 'admin',
    current: () => pki.admin,
    async renew() {
      await pki.renew('admin')
      await handOut()
    },
  }
  return keepAllRenewed([{ ...rotation, clock, random, log }], 'the server stops')
}
