import { createSecureContext } from 'node:tls'
import type { TlsProtocol } from '../../base/web-server.ts'
import type { Flags } from './flags.ts'

const versions = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
} as const

/** Those of TLS 1.3 are always on, as in Go. */
const alwaysOn = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

/**
 * What `--tls-cipher-suites` and `--tls-min-version` let clients speak.
 * @throws Error for names of neither
 */
export function tlsProtocolOf(flags: Flags): TlsProtocol {
  const version = flags.one('tls-min-version')
  if (version !== undefined && !Object.hasOwn(versions, version))
    throw new Error(
      `--tls-min-version: unknown tls version ${JSON.stringify(version)}: use one of ${Object.keys(versions).join(', ')}`,
    )
  const suites = flags.list('tls-cipher-suites').map(suite => {
    const name = alwaysOn.includes(suite) ? suite : openSslName(suite)
    if (!name) throw new Error(`--tls-cipher-suites: ${suite} is not supported: take it out, or name it as IANA does`)
    return name
  })
  return {
    ...(version === undefined ? {} : { minVersion: versions[version as keyof typeof versions] }),
    ...(suites.length ? { ciphers: [...alwaysOn, ...suites].join(':') } : {}),
  }
}

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
