import https from 'node:https'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from './certificates.ts'
import { systemClock } from './clock.ts'
import { systemNet } from './net.ts'
import { secureContextOf } from './secure-contexts.ts'

let authority: KeyPair
let client: KeyPair
let server: https.Server
let url: string

beforeAll(async () => {
  authority = await createAuthority('ours', systemClock)
  const issue = (usages: ('client' | 'server')[]) =>
    issueCertificate(authority, { commonName: 'one', ips: ['127.0.0.1'], usages }, systemClock)
  client = await issue(['client'])
  const own = await issue(['server'])
  const about = { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false }
  server = https.createServer(about, (request, response) => {
    response.end(String((request.socket as tls.TLSSocket).authorized))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => server.close())

it('reads keys once, however many connections are made with them', async () => {
  const keys = { ca: authority.cert, ...client }
  const ask = async () => {
    const { body } = await systemNet.stream(url, keys)
    return (await body.toArray()).join('')
  }
  await ask()
  const made = vi.spyOn(tls, 'createSecureContext')
  try {
    expect([await ask(), await ask(), String((await systemNet.request(url, keys)).body)]).toEqual(Array(3).fill('true'))
    expect(made).not.toHaveBeenCalled()
  } finally {
    made.mockRestore()
  }
})

it('keeps connections with other keys apart', async () => {
  expect(String((await systemNet.request(url, { ca: authority.cert })).body)).toBe('false')
  await expect(systemNet.request(url, client)).rejects.toThrow(/certificate/)
  expect(String((await systemNet.request(url, { insecure: true, ...client })).body)).toBe('true')
})

it('forgets keys that were not used for long', () => {
  const first = secureContextOf({ ca: authority.cert })
  const others = () => {
    for (let i = 0; i < 31; i++) secureContextOf({ ca: `${authority.cert}\n#${i}` })
  }
  others()
  expect(secureContextOf({ ca: authority.cert })).toBe(first)
  others()
  secureContextOf({ ca: `${authority.cert}\n#31` })
  expect(secureContextOf({ ca: authority.cert })).not.toBe(first)
})
