import { expect, test } from 'vitest'
import { ServerUnreachable, type Transport } from '../client/index.ts'
import { sayingWho } from './connection.ts'

const away: Transport = {
  async send() {
    throw new ServerUnreachable('https://prod:6443', { cause: new Error('connect ECONNREFUSED') })
  },
  async [Symbol.asyncDispose]() {},
}
const request = { method: 'GET', url: '/api', headers: {} }

test('a cluster that was asked because nobody named another does not leave people guessing', async () => {
  const error = await sayingWho(away, '/root/.kube/config')
    .send(request)
    .catch(e => e)
  expect(error).toBeInstanceOf(ServerUnreachable)
  expect(error.message).toBe('no answer from the API server at https://prod:6443')
  expect(error.cause.message).toBe('connect ECONNREFUSED')
  expect(error.hint).toMatch(
    /^Check that the server .* since \/root\/\.kube\/config has no context "optiflow" .*--context/,
  )
})

test('one that was named needs no more words', async () => {
  expect(sayingWho(away, undefined)).toBe(away)
})
