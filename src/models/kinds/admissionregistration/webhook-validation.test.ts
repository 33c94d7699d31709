import { expect, test } from 'vitest'
import { refusals } from '../testing.ts'
import { ValidatingWebhookConfiguration } from './validating-webhook-configuration.ts'

const webhook = {
  name: 'a.b.c',
  clientConfig: { url: 'https://h' },
  rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}
const service = (more: object) => ({ clientConfig: { service: { namespace: 'a', name: 'b', ...more } } })
const rule = (more: object) => ({ rules: [{ ...webhook.rules[0], ...more }] })
const path = (text: string) => service({ path: text })
const parse = (text: string) => ({ clientConfig: { url: text } })
const form = 'desired format: https://host[/path]'

test.each<[object, string[]]>([
  [{}, []],
  [path('/'), []],
  [path('/a/b/'), []],
  [path('x'), [`clientConfig.service.path: Invalid value: "x": must start with a '/'`, 'segment[0] may not be empty']],
  [path('//'), ['clientConfig.service.path: Invalid value: "//": segment[0] may not be empty']],
  [path('/a//b'), ['clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty']],
  [service({ name: '' }), ['clientConfig.service.namespace: Required value: service namespace is required']],
  [service({ namespace: '' }), ['clientConfig.service.name: Required value: service name is required']],
  [
    service({ port: 70_000 }),
    ['clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
  ],
  [parse('https://'), [`clientConfig.url: Invalid value: "": host must be specified; ${form}`]],
  [parse('https://h?q'), ['clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL']],
  [
    parse('%zz'),
    [`clientConfig.url: Required value: url must be a valid URL: parse "%zz": invalid URL escape "%zz"; ${form}`],
  ],
  [{ sideEffects: 'Some' }, ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
  [{ sideEffects: 'Odd' }, ['sideEffects: Unsupported value: "Odd": supported values: "None", "NoneOnDryRun"']],
  [{ sideEffects: '' }, ['sideEffects: Unsupported value: "": supported values: "None", "NoneOnDryRun"']],
  [{ sideEffects: undefined }, ['sideEffects: Required value: must specify one of None, NoneOnDryRun']],
  [{ failurePolicy: '' }, ['failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"']],
  [{ matchPolicy: '' }, ['matchPolicy: Unsupported value: "": supported values: "Equivalent", "Exact"']],
  [rule({ operations: [] }), ['rules[0].operations: Required value']],
  [
    rule({ resources: ['pods/*', 'pods/status', '*', 'a'] }),
    [
      `rules[0].resources[1]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status`,
      `rules[0].resources: Invalid value: []string{"pods/*", "pods/status", "*", "a"}: if '*' is present, must not specify other resources without subresources`,
    ],
  ],
  [{ admissionReviewVersions: ['v1', 'v1'] }, ['admissionReviewVersions[1]: Invalid value: "v1": duplicate version']],
])('%j', (change, told) => {
  const refused = refusals(ValidatingWebhookConfiguration, {
    metadata: { name: 'w' },
    webhooks: [{ ...webhook, ...change }],
  } as any)
  expect(refused.map(line => line.replace('webhooks[0].', ''))).toHaveLength(told.length)
  told.forEach((text, i) => {
    expect(refused[i]).toContain(text)
  })
})
