import type { Json } from '../side.ts'
import type { Asking, Made } from './index.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const ns = '/api/v1/namespaces/judged'
const constraints = {
  resourceRules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
  ],
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'judged' } },
}
const validation = (expression: string, more: Json = {}) => ({ expression, ...more })
const policy = (name: string, spec: Json): Made => [
  `${group}/validatingadmissionpolicies`,
  { metadata: { name: `${name}.example` }, spec: { matchConstraints: constraints, ...spec } },
]
const binding = (name: string, spec: Json = {}): Made => [
  `${group}/validatingadmissionpolicybindings`,
  {
    metadata: { name: `${name}.example` },
    spec: { policyName: `${name}.example`, validationActions: ['Deny'], ...spec },
  },
]
const when = (key: string) => [
  { name: 'only', expression: `object != null && has(object.data) && "${key}" in object.data` },
]
/** A policy that only sees ConfigMaps with its name among their keys. */
const pair = (name: string, spec: Json, bound: Json = {}): Made[] => [
  policy(name, { matchConditions: when(name), ...spec }),
  binding(name, bound),
]

export const policyScene: readonly Made[] = [
  ['/api/v1/namespaces', { metadata: { name: 'judged', labels: { tier: 'x' } } }],
  [`${ns}/configmaps`, { metadata: { name: 'there' }, data: { old: '1' } }],
  [`${ns}/configmaps`, { metadata: { name: 'param' }, data: { max: '3' } }],
  ...pair('plain', { validations: [validation('false')] }),
  ...pair('said', { validations: [validation('false', { message: 'is said', reason: 'Forbidden' })] }),
  ...pair('worded', {
    validations: [
      validation('false', { messageExpression: '"no " + object.metadata.name', message: 'x', reason: 'Unauthorized' }),
    ],
  }),
  ...pair('empty', { validations: [validation('false', { messageExpression: '"  "', message: 'fallback' })] }),
  ...pair('broken', { validations: [validation('object.data.none == "x"')] }),
  ...pair('ignored', { failurePolicy: 'Ignore', validations: [validation('object.data.none == "x"')] }),
  ...pair('two', {
    validations: [
      validation('false', { message: 'one' }),
      validation('1 == 2', { message: 'two' }),
      validation('true'),
    ],
  }),
  ...pair(
    'warned',
    {
      validations: [validation('false', { message: 'is warned' })],
      auditAnnotations: [{ key: 'a', valueExpression: '"b"' }],
    },
    { validationActions: ['Warn', 'Audit'] },
  ),
  ...pair(
    'both',
    { validations: [validation('false', { message: 'is both' })] },
    { validationActions: ['Deny', 'Audit'] },
  ),
  ...pair('variable', {
    variables: [
      { name: 'n', expression: 'size(object.data)' },
      { name: 'm', expression: 'variables.n * 2' },
    ],
    validations: [validation('variables.m < 2', { messageExpression: '"is " + string(variables.m)' })],
  }),
  ...pair(
    'param',
    {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        validation('size(object.data) < int(params.data.max)', { messageExpression: '"more than " + params.data.max' }),
      ],
    },
    { paramRef: { name: 'param', namespace: 'judged', parameterNotFoundAction: 'Deny' } },
  ),
  ...pair(
    'lost',
    { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [validation('false')] },
    { paramRef: { name: 'none', namespace: 'judged', parameterNotFoundAction: 'Deny' } },
  ),
  ...pair(
    'allowed',
    { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [validation('false')] },
    { paramRef: { name: 'none', namespace: 'judged', parameterNotFoundAction: 'Allow' } },
  ),
  ...pair('who', {
    validations: [
      validation('request.userInfo.username == "x"', {
        messageExpression:
          'request.userInfo.username + " " + request.operation + " " + string(request.dryRun) + " " + request.kind.kind + " " + request.namespace',
      }),
    ],
  }),
  ...pair('space', {
    validations: [
      validation('namespaceObject.metadata.labels.tier == "y"', {
        messageExpression: '"tier " + namespaceObject.metadata.labels.tier',
      }),
    ],
  }),
  ...pair('may', {
    validations: [
      validation('authorizer.group("").resource("pods").namespace("judged").check("get").allowed()', {
        messageExpression: 'authorizer.group("").resource("pods").check("get").reason()',
      }),
    ],
  }),
  ...pair('older', {
    validations: [validation('oldObject == null || !has(oldObject.data.old)', { message: 'was old' })],
  }),
  ...pair('unmatched', {
    matchConditions: [{ name: 'boom', expression: 'object.data.none == "x"' }, ...when('unmatched')],
    validations: [validation('false')],
  }),
  [
    `${group}/validatingwebhookconfigurations`,
    {
      metadata: { name: 'judged.example' },
      webhooks: ['fails', 'ignores'].map(name => ({
        name: `${name}.judged.example`,
        failurePolicy: name === 'fails' ? 'Fail' : 'Ignore',
        timeoutSeconds: 1,
        clientConfig: { url: 'https://127.0.0.1:1/x' },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        namespaceSelector: constraints.namespaceSelector,
        matchConditions: when(`hook-${name}`),
      })),
    },
  ],
  [
    `${group}/mutatingwebhookconfigurations`,
    {
      metadata: { name: 'judged.example' },
      webhooks: [
        {
          name: 'mutates.judged.example',
          clientConfig: { service: { namespace: 'judged', name: 'none' } },
          admissionReviewVersions: ['v1'],
          sideEffects: 'Some',
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }].map(
            rule => ({ ...rule, resources: ['secrets'] }),
          ),
          namespaceSelector: constraints.namespaceSelector,
        },
      ],
    },
  ],
]

const names = [
  'plain',
  'said',
  'worded',
  'empty',
  'broken',
  'ignored',
  'two',
  'warned',
  'both',
  'variable',
  'param',
  'lost',
  'allowed',
  'who',
  'space',
  'may',
  'older',
  'unmatched',
  'hook-fails',
  'hook-ignores',
  'none',
]
const merge = 'application/merge-patch+json'
const expressions = [
  'true',
  'object.spec.x == 1',
  'object.data.a',
  'obj == 1',
  'params.x == 1',
  'variables.x',
  'request.foo == 1',
  'oldObject == object',
  'object.metadata.name.foo()',
  'has(object.nothing)',
  'authorizer.path("/x").check("get").allowed()',
  'namespaceObject.spec.finalizers.size() > 0',
  '(',
  '',
  '1',
  'size(object.data) > 0 ? true : 1',
]

export const policyQuestions: readonly Asking[] = [
  ...names.flatMap((name): Asking[] => [
    { method: 'POST', path: `${ns}/configmaps?dryRun=All`, body: { metadata: { name: 'c' }, data: { [name]: 'x' } } },
    {
      as: 'u,system:masters',
      method: 'POST',
      path: `${ns}/configmaps?dryRun=All`,
      body: { metadata: { name: 'c' }, data: { [name]: 'x', a: '1', b: '2' } },
    },
    { method: 'PATCH', path: `${ns}/configmaps/there?dryRun=All`, body: { data: { [name]: 'x' } }, type: merge },
    {
      method: 'PATCH',
      path: `${ns}/configmaps/there?dryRun=All&fieldManager=f`,
      body: { apiVersion: 'v1', kind: 'ConfigMap', data: { [name]: 'x' } },
      type: 'application/apply-patch+yaml',
    },
  ]),
  { method: 'DELETE', path: `${ns}/configmaps/there?dryRun=All` },
  { method: 'DELETE', path: `${ns}/configmaps?dryRun=All` },
  { method: 'POST', path: `${ns}/secrets?dryRun=All`, body: { metadata: { name: 's' } } },
  { method: 'POST', path: `${ns}/secrets`, body: { metadata: { name: 's' } } },
  ...expressions.map(
    (expression): Asking => ({
      method: 'POST',
      path: `${group}/validatingadmissionpolicies?dryRun=All`,
      body: { metadata: { name: 'new' }, spec: { matchConstraints: constraints, validations: [{ expression }] } },
    }),
  ),
  ...expressions.map(
    (expression): Asking => ({
      method: 'POST',
      path: `${group}/validatingwebhookconfigurations?dryRun=All`,
      body: {
        metadata: { name: 'new' },
        webhooks: [
          {
            name: 'a.b.c',
            clientConfig: { url: 'https://a.example/' },
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            matchConditions: [{ name: 'm', expression }],
          },
        ],
      },
    }),
  ),
]
