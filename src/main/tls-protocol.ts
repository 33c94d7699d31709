import { createSecureContext } from 'node:tls'
import type { TlsProtocol } from '../base/web-server.ts'

const versions = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
} as const

export type TlsVersion = (typeof versions)[keyof typeof versions]

/** Those of TLS 1.3 are always on, as in Go. */
const alwaysOn = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

/** By Go's name of it: `VersionTLS13`. @throws Error for other texts */
export function readTlsVersion(text: string): TlsVersion {
  if (Object.hasOwn(versions, text)) return versions[text as keyof typeof versions]
  throw new Error(`is no version of TLS: use one of ${Object.keys(versions).join(', ')}`)
}

/** Suites by IANA's names as OpenSSL has them, and those that are always on. @throws Error for one that there is not */
export function readTlsSuites(suites: readonly string[]): string[] {
  const names = suites.map(suite => {
    const name = alwaysOn.includes(suite) ? suite : openSslName(suite)
    if (!name) throw new Error(`has ${suite}, which is not supported: take it out, or name it as IANA does`)
    return name
  })
  return names.length ? [...new Set([...alwaysOn, ...names])] : []
}

export const tlsProtocol = (version: TlsVersion | undefined, suites: readonly string[]): TlsProtocol => ({
  ...(version === undefined ? {} : { minVersion: version }),
  ...(suites.length ? { ciphers: suites.join(':') } : {}),
})

/** `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA` is `ECDHE-RSA-AES128-SHA`; undefined for those that there are not, or no longer. */
function openSslName(suite: string): string | undefined {
  const [, exchange, cipher] = /^TLS_(\w+?)_WITH_(\w+)$/.exec(suite) ?? []
  if (!cipher) return undefined
  const plain = cipher
    .replace(/^AES_(\d+)_/, 'AES$1_')
    .replace('_CBC', '')
    .replace(/^(CHACHA20_POLY1305)_SHA256$/, '$1')
  const name = [...(exchange === 'RSA' ? [] : [exchange]), plain].join('_').replaceAll('_', '-')
  try {
    createSecureContext({ ciphers: name })
    return name
  } catch {
    return undefined
  }
}
