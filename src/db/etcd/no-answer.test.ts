import { expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { storeError } from './failure.ts'
import { noAnswer } from './no-answer.ts'
import { EtcdRpc } from './rpc.ts'

const never = (last: string) => `No connection established. Last error: ${last}. Resolution note: `
const openssl = (words: string) => `80ACCC912E7F0000:error:0A00010B:SSL routines:${words}:../deps/x.c:350:\n`

// As grpc-js 1.x and OpenSSL 3 say it, taken from real connections.
it.each([
  [never('Error: connect ECONNREFUSED 127.0.0.1:2379'), 'nobody listens at e:2379', 'Start etcd'],
  ['Name resolution failed for target dns:e:2379', 'no address is found for the name e', 'DNS'],
  [never('Error: connect ENETUNREACH 10.0.0.1:2379 - Local (0.0.0.0:0)'), '(ENETUNREACH)', 'the route'],
  [never(`Error: ${openssl('ssl3_get_record:wrong version number')}`), 'speaks without TLS', 'http://e:2379'],
  [
    never(`${openssl('ssl3_read_bytes:tlsv13 alert certificate required')} (2026-11-27T15:28:38.235Z)`),
    'wants a certificate of ours',
    '--etcd-cert',
  ],
  [never('Error: certificate has expired'), 'certificate has expired', 'Renew'],
  [never('Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match'), 'is not for e', '--store'],
  [never('Error: unable to verify the first certificate'), 'an authority that we do not know', '--etcd-ca'],
  [never('Protocol error (2026-11-27T15:28:37.966Z)'), 'is no etcd', '2379'],
  [never('Failed to connect (2026-11-27T15:28:38.003Z)'), 'ended the connection before a word was said', 'log'],
  [never('Error: something\n else'), 'Error: something else', 'log'],
  ['Cancelled on client', 'silent for 10 s', 'may have been carried out'],
  ['read ECONNRESET', 'read ECONNRESET', 'may have been carried out'],
])('%j is told as what we saw, with one thing to do', (details, saw, hint) => {
  const told = noAnswer(details, 'https://e:2379')
  expect(told).toEqual({ saw: expect.stringContaining(saw), hint: expect.stringContaining(hint) })
  expect(told.saw).not.toMatch(/Resolution note|\n|T15:28/)
})

it('who closes a plain connection at once may want TLS', () => {
  expect(noAnswer(never('Failed to connect (2026-11-27T15:28:38.003Z)'), 'http://e:2379').hint).toContain(
    'https://e:2379',
  )
})

it('of several members that one is named which was asked', async () => {
  const endpoints = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3']
  const rpc = new EtcdRpc({ endpoints }, systemClock)
  const failed = await rpc.unary('Maintenance', 'Status', {}, false).catch(error => storeError(error, rpc))
  rpc.close()
  // Each twice, the last one last.
  expect(failed).toMatchObject({
    message: 'etcd at http://127.0.0.1:3 did not answer: nobody listens at 127.0.0.1:3 (connection refused)',
    hint: 'Start etcd, or correct its address in --store.',
  })
})

it('a certificate of ours that is none is told before anybody is asked', async () => {
  const rpc = new EtcdRpc({ endpoints: ['https://127.0.0.1:1'], cert: 'x', key: 'y' }, systemClock)
  const failed = await rpc.unary('Maintenance', 'Status', {}, false).catch(error => storeError(error, rpc))
  rpc.close()
  expect(failed).toMatchObject({
    message: 'our certificate or key for etcd cannot be used',
    hint: expect.stringContaining('--etcd-cert'),
  })
})
