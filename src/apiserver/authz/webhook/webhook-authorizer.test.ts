import { Readable } from 'node:stream'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../base/logger.ts'
import type { HttpStream, Net } from '../../../base/net.ts'
import { VirtualClock } from '../../../base/virtual-clock.ts'
import { cel, compileCel } from '../../../models/cel/index.ts'
import { startTestServer } from '../../testing/test-server.ts'
import type { Attributes } from '../authorizer.ts'
import { AuthorizationMetrics } from './authorization-metrics.ts'
import { reviewType } from './review-request.ts'
import { WebhookAuthorizer, type WebhookAuthorizerOptions } from './webhook-authorizer.ts'

const clock = new VirtualClock()
const base: WebhookAuthorizerOptions = {
  name: 'w',
  server: { server: 'https://authz.example.com/check', token: 't' },
  version: 'v1',
  authorizedMs: 300_000,
  unauthorizedMs: 30_000,
  timeoutMs: 3_000,
  failurePolicy: 'NoOpinion',
  conditions: [],
}
const condition = (text: string) => compileCel(text, { variables: { request: reviewType }, result: cel.bool })

type Reply = { status?: number; allowed?: boolean; denied?: boolean; reason?: string; text?: string }

function webhook(replies: Reply[], options: Partial<WebhookAuthorizerOptions> = {}) {
  const asked: any[] = []
  const urls: string[] = []
  const registry = new Registry()
  const net = {
    async stream(url: string, { body }: { body: string }): Promise<HttpStream> {
      const review = JSON.parse(body)
      asked.push(review)
      urls.push(url)
      const { status = 200, text, ...answer } = replies.shift() ?? {}
      const { kind, apiVersion } = review
      return {
        status,
        headers: {},
        body: Readable.from([Buffer.from(text ?? JSON.stringify({ kind, apiVersion, status: answer }))]),
      }
    },
  } as unknown as Net
  return {
    asked,
    urls,
    registry,
    net,
    authorizer: new WebhookAuthorizer(
      { ...base, ...options },
      { net, clock, log: silentLogger },
      new AuthorizationMetrics(registry),
    ),
  }
}

const user = { username: 'ann', groups: ['dev'], extra: { 'example.com/x': ['1'] } }
const question = (name = 'x', verb = 'get'): Attributes => ({
  ...{ user, verb, path: '/api/v1/namespaces/shop/pods/x' },
  resource: { group: '', version: 'v1', plural: 'pods', subresource: 'log', namespace: 'shop', name },
})
const page: Attributes = { user, verb: 'get', path: '/metrics' }

test('a webhook is asked with a review of either version, without what is empty', async () => {
  const one = webhook([{ allowed: true, reason: 'yes' }])
  expect(await one.authorizer.authorize(question())).toEqual({ allowed: true, reason: 'yes' })
  expect(one.asked).toEqual([
    {
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec: {
        resourceAttributes: {
          ...{ namespace: 'shop', verb: 'get', version: 'v1', resource: 'pods', subresource: 'log', name: 'x' },
        },
        ...{ user: 'ann', groups: ['dev'], extra: { 'example.com/x': ['1'] } },
      },
      status: { allowed: false },
    },
  ])
  const old = webhook([{}], { version: 'v1beta1' })
  await old.authorizer.authorize(page)
  expect(old.asked[0]).toMatchObject({
    apiVersion: 'authorization.k8s.io/v1beta1',
    spec: { nonResourceAttributes: { path: '/metrics', verb: 'get' }, user: 'ann', group: ['dev'] },
  })
})

test('selectors are told as far as they can be read, and how long we wait', async () => {
  const { authorizer, asked, urls } = webhook([{}, {}])
  const selectors = { fieldSelector: 'metadata.name=x,spec.nodeName!=y', labelSelector: 'a=b,c notin (d,e),!f,g,h>1' }
  await authorizer.authorize({ ...question('x', 'list'), ...selectors })
  await authorizer.authorize({ ...question('y', 'list'), fieldSelector: 'x', labelSelector: 'a in' })
  expect(asked[0].spec.resourceAttributes).toMatchObject({
    fieldSelector: {
      requirements: [
        { key: 'metadata.name', operator: 'In', values: ['x'] },
        { key: 'spec.nodeName', operator: 'NotIn', values: ['y'] },
      ],
    },
    labelSelector: {
      requirements: [
        { key: 'a', operator: 'In', values: ['b'] },
        { key: 'c', operator: 'NotIn', values: ['d', 'e'] },
        { key: 'f', operator: 'DoesNotExist' },
        { key: 'g', operator: 'Exists' },
      ],
    },
  })
  expect(asked[1].spec.resourceAttributes).not.toHaveProperty('fieldSelector')
  expect(asked[1].spec.resourceAttributes).not.toHaveProperty('labelSelector')
  expect(urls[0]).toBe('https://authz.example.com/check?timeout=3s')
})

test('a yes is remembered for its time, anything else for another', async () => {
  const { authorizer, asked } = webhook([{ allowed: true }, { allowed: true }, {}, {}])
  await authorizer.authorize(question())
  await authorizer.authorize(question())
  expect(asked).toHaveLength(1)
  await clock.advance(300_001)
  await authorizer.authorize(question())
  expect(asked).toHaveLength(2)
  await authorizer.authorize(question('y'))
  await clock.advance(29_000)
  await authorizer.authorize(question('y'))
  expect(asked).toHaveLength(3)
  await clock.advance(1_001)
  await authorizer.authorize(question('y'))
  expect(asked).toHaveLength(4)
})

test('no opinion goes on to the next with its reason, a no does not', async () => {
  const { authorizer } = webhook([{ reason: 'not mine' }, { denied: true, reason: 'never' }])
  const asked = question()
  expect(await authorizer.authorize(asked)).toBeUndefined()
  expect(authorizer.whyNot(asked)).toBe('not mine')
  expect(await authorizer.authorize(question('y'))).toEqual({ allowed: false, reason: 'never' })
})

test.each([
  ['request.user == "bob"', 0],
  ['has(request.resourceAttributes) && request.resourceAttributes.namespace == "shop"', 1],
  ['"dev" in request.groups && request.extra["example.com/x"] == ["1"] && request.uid == ""', 1],
])('with the condition %s it is asked %i times', async (text, times) => {
  const { authorizer, asked } = webhook([{}], { conditions: [condition(text)] })
  await authorizer.authorize(question())
  expect(asked).toHaveLength(times)
})

test.each<['NoOpinion' | 'Deny', unknown]>([
  ['NoOpinion', undefined],
  ['Deny', { allowed: false, reason: '', error: expect.stringContaining('no such key') }],
])('a condition that fails is %s', async (failurePolicy, expected) => {
  const conditions = [condition('request.extra["nothing"] == ["1"]')]
  const { authorizer, asked } = webhook([{}], { conditions, failurePolicy })
  expect(await authorizer.authorize(question())).toEqual(expected)
  expect(asked).toEqual([])
})

test('a webhook that stumbles is asked again, one that is wrong is not', async () => {
  const stumbling = webhook([{ status: 500 }, { status: 429 }, { allowed: true }])
  const answer = stumbling.authorizer.authorize(question())
  await clock.advance(2_000)
  expect(await answer).toEqual({ allowed: true, reason: '' })
  const wrong = webhook([{ status: 404, text: 'no' }], { failurePolicy: 'Deny' })
  expect(await wrong.authorizer.authorize(question())).toEqual({
    ...{ allowed: false, reason: '', error: 'the server could not find the requested resource' },
  })
  expect(wrong.asked).toHaveLength(1)
})

test('what came of questions is counted', async () => {
  const conditions = [condition('request.user == "ann" || request.extra["nothing"] == ["1"]')]
  const { authorizer, registry } = webhook([{ allowed: true }, { status: 404 }], { conditions })
  await authorizer.authorize(question())
  await authorizer.authorize(question('y'))
  await authorizer.authorize({ ...question(), user: { username: 'bob', groups: [] } })
  const lines = (await registry.metrics()).split('\n').filter(line => /^apiserver_\w+_total\{/.test(line))
  expect(lines).toEqual([
    'apiserver_authorization_webhook_evaluations_total{name="w",result="success"} 1',
    'apiserver_authorization_webhook_evaluations_total{name="w",result="error"} 1',
    'apiserver_authorization_webhook_evaluations_fail_open_total{name="w",result="error"} 1',
    'apiserver_authorization_match_condition_evaluation_errors_total{type="Webhook",name="w"} 1',
  ])
})

test('whoever nobody could be asked about is told so, and masters need nobody', async () => {
  const { net } = webhook([{ status: 404 }, { status: 404 }])
  const authorization = [{ type: 'RBAC' as const }, { type: 'Webhook' as const, webhook: base }]
  const server = await startTestServer({ net, authorization })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const as = { 'impersonate-user': 'ann' }
  const refused = await server.call('GET', '/api/v1/namespaces/default/pods?a=b&c=<d>', undefined, as)
  expect(refused).toMatchObject({
    status: 500,
    body: 'Internal Server Error: "/api/v1/namespaces/default/pods?a=b&amp;c=&lt;d&gt;": the server could not find the requested resource\n',
  })
  const review = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: { user: 'bob', nonResourceAttributes: { path: '/x', verb: 'get' } },
  })
  expect(review.body.status).toEqual({
    ...{ allowed: false, evaluationError: 'the server could not find the requested resource' },
  })
  expect((await server.call('GET', '/api/v1/namespaces/default/pods')).status).toBe(200)
})
