import { expect, test } from 'vitest'
import { textToBase64 } from '../../../base/base64.ts'
import { Secret } from '../index.ts'

// What kube-apiserver 1.32 warns of.

const pem = (type: string) => `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`
const [certificate, key] = [pem('CERTIFICATE'), pem('EC PRIVATE KEY')]

test.each<[string, string, string, string[]]>([
  ['a certificate and its key', certificate, key, []],
  ['a chain', certificate + certificate, pem('EC PARAMETERS') + key, []],
  ['nonsense before it', `x${certificate}`, key, ['tls: failed to find any PEM data in certificate input']],
  ['nonsense', 'x', key, ['tls: failed to find any PEM data in certificate input']],
  ['no key', certificate, '', ['tls: failed to find any PEM data in key input']],
  [
    'one for the other',
    key,
    certificate,
    [
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    ],
  ],
  [
    'a certificate twice',
    certificate,
    certificate,
    ['tls: found a certificate rather than a key in the PEM for the private key'],
  ],
  [
    'other blocks',
    pem('X') + pem('Y'),
    key,
    [
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [X Y]',
    ],
  ],
])('a Secret of TLS with %s', (_, crt, secret, expected) => {
  const data = { 'tls.crt': textToBase64(crt), 'tls.key': textToBase64(secret) }
  const warn = (type: string) => Secret.warnings!({ metadata: { name: 's' }, type, data } as any)
  expect(warn('kubernetes.io/tls')).toEqual(expected)
  expect(warn('Opaque')).toEqual([])
})
