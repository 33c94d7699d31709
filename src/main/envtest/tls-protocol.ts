import type { TlsProtocol } from '../../base/web-server.ts'
import { readTlsSuites, readTlsVersion, tlsProtocol } from '../tls-protocol.ts'
import type { Flags } from './flags.ts'

/**
 * What `--tls-cipher-suites` and `--tls-min-version` let clients speak.
 * @throws Error for names of neither
 */
export function tlsProtocolOf(flags: Flags): TlsProtocol {
  const version = flags.one('tls-min-version')
  return tlsProtocol(
    version === undefined ? undefined : named('tls-min-version', version, () => readTlsVersion(version)),
    named('tls-cipher-suites', undefined, () => readTlsSuites(flags.list('tls-cipher-suites'))),
  )
}

function named<T>(flag: string, value: string | undefined, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new Error(`--${flag}:${value === undefined ? '' : ` ${JSON.stringify(value)}`} ${(cause as Error).message}`)
  }
}
