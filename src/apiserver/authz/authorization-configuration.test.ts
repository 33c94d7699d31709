import { expect, test } from 'vitest'
import { readAuthorizationConfiguration } from './authorization-configuration.ts'

const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration' }
const webhook = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  matchConditionSubjectAccessReviewVersion: 'v1',
  failurePolicy: 'Deny',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/etc/authz.kubeconfig' },
}
const read = (authorizers: unknown, more: object = {}) =>
  readAuthorizationConfiguration({ ...kind, authorizers, ...more })

test('authorizers are asked in the order of the file, and webhooks get the usual ages', () => {
  const found = read([
    { type: 'Webhook', name: 'a.example.com', webhook },
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
    { type: 'Webhook', name: 'b', webhook: { ...webhook, authorizedTTL: '1m', unauthorizedTTL: '5s' } },
  ])
  expect(found).toEqual([
    {
      type: 'Webhook',
      webhook: {
        ...{ name: 'a.example.com', authorizedMs: 300_000, unauthorizedMs: 30_000, timeoutMs: 3_000, version: 'v1' },
        ...{ failurePolicy: 'Deny', kubeConfigFile: '/etc/authz.kubeconfig', conditions: [] },
      },
    },
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
    expect.objectContaining({ webhook: expect.objectContaining({ authorizedMs: 60_000, unauthorizedMs: 5_000 }) }),
  ])
})

const of = (more: object) => [{ type: 'Webhook', name: 'a', webhook: { ...webhook, ...more } }]
const at = 'authorizers[0]'

test.each<[string, unknown, string]>([
  ['no authorizers', [], 'authorizers: Required value: at least one authorization mode must be defined'],
  ['no type', [{ name: 'a' }], `${at}.type: Required value`],
  [
    'an unknown type',
    [{ type: 'Mood', name: 'a' }],
    `${at}.type: Unsupported value: "Mood": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"`,
  ],
  [
    'a type twice',
    [
      { type: 'RBAC', name: 'a' },
      { type: 'RBAC', name: 'b' },
    ],
    'authorizers[1].type: Duplicate value: "RBAC"',
  ],
  ['no name', [{ type: 'RBAC' }], `${at}.name: Required value`],
  [
    'a name twice',
    [
      { type: 'RBAC', name: 'a' },
      { type: 'Node', name: 'a' },
    ],
    'authorizers[1].name: Duplicate value: "a"',
  ],
  ['no webhook', [{ type: 'Webhook', name: 'a' }], `${at}.webhook: Required value: required when type=Webhook`],
  [
    'a webhook of another type',
    [{ type: 'RBAC', name: 'a', webhook }],
    `${at}.webhook: Invalid value: "non-null": may only be specified when type=Webhook`,
  ],
  ['an unknown field', of({ foo: 1 }), `${at}.webhook.foo: unknown field`],
  ['no timeout', of({ timeout: undefined }), `${at}.webhook.timeout: Required value`],
  ['a long timeout', of({ timeout: '31s' }), `${at}.webhook.timeout: Invalid value: "31s": must be > 0s and <= 30s`],
  [
    'an age below nothing',
    of({ authorizedTTL: '-1s' }),
    `${at}.webhook.authorizedTTL: Invalid value: "-1s": must be > 0s`,
  ],
  [
    'an unknown version',
    of({ subjectAccessReviewVersion: 'v2' }),
    `${at}.webhook.subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"`,
  ],
  [
    'an unknown policy',
    of({ failurePolicy: 'Ignore' }),
    `${at}.webhook.failurePolicy: Unsupported value: "Ignore": supported values: "NoOpinion", "Deny"`,
  ],
  [
    'a path that depends on where one stands',
    of({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'x' } }),
    `${at}.webhook.connectionInfo.kubeConfigFile: Invalid value: "x": must be an absolute path`,
  ],
  [
    'a condition that is no question',
    of({ matchConditions: [{ expression: 'request.user' }] }),
    `${at}.webhook.matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string`,
  ],
])('%s is told', (_, authorizers, message) => {
  expect(() => read(authorizers)).toThrow(message)
})

test('a file of something else is told', () => {
  expect(() => readAuthorizationConfiguration({ apiVersion: 'v1', kind: 'Pod' })).toThrow(
    'apiVersion: the file is "v1 Pod"; it must be one of apiserver.config.k8s.io/v1 AuthorizationConfiguration',
  )
})
