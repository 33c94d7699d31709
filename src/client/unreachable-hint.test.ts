import { expect, test } from 'vitest'
import { ServerUnreachable } from './transport.ts'

const failed = (code?: string) => Object.assign(new Error('no'), { code })
const hint = (server: string, cause: unknown) => new ServerUnreachable(server, { cause }).hint

test.each([
  [
    'https://a:6443',
    failed('ECONNREFUSED'),
    'Check that the server is running and that https://a:6443 is its address ("optiflow status").',
  ],
  ['http://a:6443', failed('ECONNRESET'), 'A server with certificates is at https://a:6443.'],
  ['a:6443', failed('ERR_INVALID_URL'), 'Write the whole address, such as https://a:6443.'],
  [
    'https://a',
    new Error('lost', { cause: failed('SELF_SIGNED_CERT_IN_CHAIN') }),
    'The kubeconfig has the authority of another cluster: have this one\'s from its server ("optiflow status" names it).',
  ],
  [
    'https://a',
    failed('CERT_NOT_YET_VALID'),
    'Compare the clocks of both machines; the server renews its certificate when it starts.',
  ],
  [
    'https://a',
    failed('ERR_OSSL_PEM_NO_START_LINE'),
    "The kubeconfig's certificate or key is damaged: have another from the server.",
  ],
])('%s says what to do about what stood in the way %#', (server, cause, expected) => {
  expect(hint(server, cause)).toBe(expected)
})
