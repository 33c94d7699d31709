import { expect, test } from 'vitest'
import { answerText } from './call-failed.ts'

const text = { 'content-type': 'text/plain' }
const json = { 'content-type': 'application/json' }
const unknown = (code: number) =>
  `the server responded with the status code ${code} but did not return more information`
const broken = (said: string) => `an error on the server ("${said}") has prevented the request from succeeding`

test.each([
  [500, 'boom', text, broken('boom')],
  [502, '{"x":1}', json, broken('unknown')],
  [500, '', {}, broken('')],
  [400, '{"x":1}', json, 'the server rejected our request for an unknown reason'],
  [401, 'no', text, 'the server has asked for the client to provide credentials'],
  [403, 'no', text, 'no'],
  [404, 'no', text, 'the server could not find the requested resource'],
  [406, 'x', json, 'the server was unable to respond with a content type that the client supports'],
  [410, 'x', json, unknown(410)],
  [415, 'x', json, 'unknown'],
  [418, 'tea', text, unknown(418)],
  [409, '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"my conflict"}', json, 'my conflict'],
])('an answer %i %j is told in the words of Kubernetes', (status, body, headers, said) => {
  expect(answerText(status, Buffer.from(body), headers)).toBe(said)
})
