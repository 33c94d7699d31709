import type { Json } from '../side.ts'

const text = { type: 'string' }
const object = (properties: Json, more: Json = {}): Json => ({ type: 'object', properties, ...more })
const rule = (expression: string, more: Json = {}): Json => ({
  'x-kubernetes-validations': [{ rule: expression, ...more }],
})

/** A definition with one schema of `spec`. */
function withSpec(spec: Json): Json {
  return definition(body => {
    body.spec.versions[0].schema.openAPIV3Schema = object({ spec })
  })
}

function definition(change: (body: Json) => void = () => {}): Json {
  const body: Json = {
    metadata: { name: 'odds.odd.example' },
    spec: {
      ...{ group: 'odd.example', scope: 'Namespaced', names: { plural: 'odds', kind: 'Odd' } },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  }
  change(body)
  return body
}

const version = (body: Json): Json => body.spec.versions[0]
const names = (more: Json) => definition(body => Object.assign(body.spec.names, more))
const second = (more: Json) =>
  definition(body =>
    body.spec.versions.push({
      name: 'v2',
      served: true,
      storage: false,
      schema: { openAPIV3Schema: { type: 'object' } },
      ...more,
    }),
  )
const ofVersion = (more: Json) => definition(body => Object.assign(version(body), more))

/** Schemas of `spec`. */
const specs: Record<string, Json> = {
  'no type': {},
  'type null': { type: 'null' },
  'type of a list': { type: ['string', 'null'] },
  'unknown type': { type: 'thing' },
  'items without type': { type: 'array' },
  'items as a list': { type: 'array', items: [text] },
  'properties and additionalProperties': object({ a: text }, { additionalProperties: text }),
  'additionalProperties false': { type: 'object', additionalProperties: false },
  'additionalProperties true': { type: 'object', additionalProperties: true },
  reference: { $ref: '#/definitions/x' },
  definitions: object({}, { definitions: { a: text } }),
  dependencies: object({}, { dependencies: { a: ['b'] } }),
  patternProperties: object({}, { patternProperties: { a: text } }),
  'bad pattern': object({ a: { ...text, pattern: '(' } }),
  'pattern of Perl': object({ a: { ...text, pattern: '(?=a)b' } }),
  'unique items': object({ a: { type: 'array', items: text, uniqueItems: true } }),
  'default of another type': object({ a: { ...text, default: 1 } }),
  'default null': object({ a: { ...text, default: null } }),
  'default null, nullable': object({ a: { ...text, nullable: true, default: null } }),
  'default with unknown fields': object({ a: { ...object({ b: text }), default: { c: 'd' } } }),
  'default against a rule': object({ a: { ...text, default: 'b', ...rule('self == "a"') } }),
  'default against a pattern': object({ a: { ...text, default: 'b', pattern: '^a' } }),
  'type inside anyOf': object({ a: { ...text, anyOf: [{ type: 'string' }] } }),
  'properties inside anyOf alone': object({ a: text }, { anyOf: [{ properties: { b: { minLength: 1 } } }] }),
  'default inside allOf': object({ a: { ...text, allOf: [{ default: 'x' }] } }),
  'description inside not': object({ a: { ...text, not: { description: 'x' } } }),
  'set of objects': object({ a: { type: 'array', 'x-kubernetes-list-type': 'set', items: object({ b: text }) } }),
  'map without keys': object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', items: object({ b: text }) } }),
  'map with unknown keys': object({
    a: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['c'],
      items: object({ b: text }),
    },
  }),
  'map with optional keys': object({
    a: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b'],
      items: object({ b: text }),
    },
  }),
  'map with keys twice': object({
    a: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b', 'b'],
      items: object({ b: text }, { required: ['b'] }),
    },
  }),
  'map with a list for a key': object({
    a: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['b'],
      items: object({ b: { type: 'array', items: text } }, { required: ['b'] }),
    },
  }),
  'keys without map': object({ a: { type: 'array', 'x-kubernetes-list-map-keys': ['b'], items: object({ b: text }) } }),
  'unknown list type': object({ a: { type: 'array', 'x-kubernetes-list-type': 'bag', items: text } }),
  'list type of a text': object({ a: { ...text, 'x-kubernetes-list-type': 'set' } }),
  'map type of a list': object({ a: { type: 'array', items: text, 'x-kubernetes-map-type': 'atomic' } }),
  'unknown map type': object({ a: object({}, { 'x-kubernetes-map-type': 'x' }) }),
  'preserve on a text': object({ a: { ...text, 'x-kubernetes-preserve-unknown-fields': true } }),
  'preserve false': object({ a: object({}, { 'x-kubernetes-preserve-unknown-fields': false }) }),
  'embedded without fields': object({ a: object({}, { 'x-kubernetes-embedded-resource': true }) }),
  'embedded text': object({ a: { ...text, 'x-kubernetes-embedded-resource': true } }),
  'embedded inside anyOf': object({
    a: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      anyOf: [{ 'x-kubernetes-embedded-resource': true }],
    },
  }),
  'int-or-string with a type': object({ a: { ...text, 'x-kubernetes-int-or-string': true } }),
  'int-or-string with other anyOf': object({
    a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'string' }, { type: 'integer' }] },
  }),
  'int-or-string false': object({ a: { ...text, 'x-kubernetes-int-or-string': false } }),
  'metadata inside': object({ metadata: object({ x: text }) }),
  'enum twice': object({ a: { ...text, enum: ['a', 'a'] } }),
  'enum of other types': object({ a: { ...text, enum: [1, null, 'a'] } }),
  'empty enum': object({ a: { ...text, enum: [] } }),
  'negative bounds': object({
    a: { ...text, minLength: -1 },
    b: { type: 'array', items: text, maxItems: -1 },
    c: object({}, { maxProperties: -2 }),
  }),
  'bounds that cross': object({
    a: { ...text, minLength: 3, maxLength: 1 },
    b: { type: 'integer', minimum: 3, maximum: 1 },
  }),
  'bounds of other types': object({ a: { ...text, minimum: 3, minItems: 1 } }),
  'multipleOf zero': object({ a: { type: 'number', multipleOf: 0 } }),
  'required twice': object({ a: text }, { required: ['a', 'a'] }),
  'required unknown': object({ a: text }, { required: ['b'] }),
  'unknown format': object({ a: { ...text, format: 'x' } }),
  example: object({ a: { ...text, example: 'x', title: 't', externalDocs: { url: 'u' }, id: 'i', $schema: 's' } }),
  'unknown extension': object({ a: { ...text, 'x-other': true } }),
  'rule that is no boolean': object({ a: text }, rule('self.a')),
  'rule that does not parse': object({ a: text }, rule('self.a ==')),
  'rule of an unknown field': object({ a: text }, rule('self.b == "x"')),
  'rule of an unknown function': object({ a: text }, rule('self.a.foo()')),
  'rule of no words': object({ a: text }, rule('')),
  'rule of spaces': object({ a: text }, rule('  ')),
  'rule twice': object({ a: text }, { 'x-kubernetes-validations': [{ rule: 'true' }, { rule: 'true' }] }),
  'message of two lines': object({ a: text }, rule('self.a == "x"', { message: 'a\nb' })),
  'message of spaces': object({ a: text }, rule('self.a == "x"', { message: '  ' })),
  'message too long': object({ a: text }, rule('self.a == "x"', { message: 'x'.repeat(3000) })),
  'messageExpression of a number': object({ a: text }, rule('self.a == "x"', { messageExpression: '1' })),
  'messageExpression that does not parse': object({ a: text }, rule('self.a == "x"', { messageExpression: '"' })),
  'messageExpression of spaces': object({ a: text }, rule('self.a == "x"', { messageExpression: ' ' })),
  'messageExpression of two lines': object({ a: text }, rule('self.a == "x"', { messageExpression: '"a\\nb"' })),
  'reason unknown': object({ a: text }, rule('self.a == "x"', { reason: 'Other' })),
  'fieldPath unknown': object({ a: text }, rule('self.a == "x"', { fieldPath: '.b' })),
  'fieldPath without a dot': object({ a: text }, rule('self.a == "x"', { fieldPath: 'a' })),
  'fieldPath of a map': object(
    { a: { type: 'object', additionalProperties: text } },
    rule('has(self.a)', { fieldPath: '.a.b' }),
  ),
  'fieldPath by brackets': object(
    { 'a-b': text, c: { type: 'array', items: object({ d: text }) } },
    rule('true == true', { fieldPath: ".['a-b']" }),
  ),
  'fieldPath into a list': object(
    { c: { type: 'array', items: object({ d: text }) } },
    rule('has(self.c)', { fieldPath: '.c[0].d' }),
  ),
  'oldSelf in a list': object({ a: { type: 'array', items: { ...text, ...rule('self == oldSelf') } } }),
  'oldSelf in a map list': object({
    a: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
      items: object(
        { n: { ...text, maxLength: 5 }, v: { ...text, maxLength: 5, ...rule('self == oldSelf') } },
        { required: ['n'] },
      ),
    },
  }),
  'optionalOldSelf without oldSelf': object({ a: text }, rule('self.a == "x"', { optionalOldSelf: true })),
  'optionalOldSelf false': object({ a: text }, rule('self.a == oldSelf.a', { optionalOldSelf: false })),
  'oldSelf as optional without saying so': object({ a: text }, rule('oldSelf.hasValue()')),
  'too dear': object(
    { a: { type: 'array', items: { type: 'array', items: text } } },
    rule('self.a.all(x, x.all(y, y.matches("a*b")))'),
  ),
  'too dear in a map': object({
    a: { type: 'object', additionalProperties: { ...text, ...rule('self.contains("x")') } },
  }),
  'rule of a preserved part': object(
    { a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    rule('self.a.b == 1'),
  ),
  'rule of an int-or-string': object(
    { a: { 'x-kubernetes-int-or-string': true } },
    rule('type(self.a) == int ? self.a > 1 : true'),
  ),
  'rule of an escaped name': object(
    { 'x-y': text, in: text, 'a.b': text, __c: text, 'd/e': text },
    rule('has(self.x__dash__y) && has(self.__in__) && has(self.a__dot__b) && has(self.d__slash__e)'),
  ),
  'rule of quantities': object(
    { a: { ...text, maxLength: 9 } },
    rule('isQuantity(self.a) && quantity(self.a).isLessThan(quantity("1"))'),
  ),
}

const others: Record<string, Json> = {
  least: definition(),
  'another name': definition(body => (body.metadata.name = 'others.odd.example')),
  'no versions': definition(body => (body.spec.versions = [])),
  'no storage version': definition(body => (version(body).storage = false)),
  'two storage versions': second({ storage: true }),
  'a version twice': second({ name: 'v1' }),
  'not served': definition(body => (version(body).served = false)),
  'a bad version': second({ name: 'V_1' }),
  'no schema': second({ schema: undefined }),
  'an empty schema': second({ schema: {} }),
  'a schema of a list': second({ schema: { openAPIV3Schema: { type: 'array', items: text } } }),
  'a root that preserves': second({
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  }),
  'a root with metadata': second({
    schema: { openAPIV3Schema: object({ metadata: object({ labels: { type: 'object' } }) }) },
  }),
  'a root with metadata.name': second({
    schema: { openAPIV3Schema: object({ metadata: object({ name: { ...text, pattern: '^a' }, generateName: text }) }) },
  }),
  'a root with apiVersion as a number': second({
    schema: { openAPIV3Schema: object({ apiVersion: { type: 'integer' } }) },
  }),
  'a root default': second({ schema: { openAPIV3Schema: object({ a: text }, { default: { a: 'b' } }) } }),
  'preserveUnknownFields true': definition(body => (body.spec.preserveUnknownFields = true)),
  'no scope': definition(body => delete body.spec.scope),
  'another scope': definition(body => (body.spec.scope = 'Global')),
  'no group': definition(body => delete body.spec.group),
  'a bad group': definition(body => (body.spec.group = 'Odd_Example')),
  'a group of Kubernetes': definition(body =>
    Object.assign(body, { metadata: { name: 'odds.odd.k8s.io' }, spec: { ...body.spec, group: 'odd.k8s.io' } }),
  ),
  'a group of Kubernetes, approved': definition(body =>
    Object.assign(body, {
      metadata: {
        name: 'odds.odd.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/kubernetes/pull/1' },
      },
      spec: { ...body.spec, group: 'odd.k8s.io' },
    }),
  ),
  'a group of Kubernetes, badly approved': definition(body =>
    Object.assign(body, {
      metadata: { name: 'odds.odd.k8s.io', annotations: { 'api-approved.kubernetes.io': 'because' } },
      spec: { ...body.spec, group: 'odd.k8s.io' },
    }),
  ),
  'no kind': definition(body => delete body.spec.names.kind),
  'a bad kind': names({ kind: 'bad-Kind!' }),
  'a listKind like the kind': names({ listKind: 'Odd' }),
  'a bad singular': names({ singular: 'Odd One' }),
  'bad short names': names({ shortNames: ['A', 'b c', ''] }),
  'bad categories': names({ categories: ['All', 'x y'] }),
  'a plural of capitals': definition(body =>
    Object.assign(body, {
      metadata: { name: 'Odds.odd.example' },
      spec: { ...body.spec, names: { ...body.spec.names, plural: 'Odds' } },
    }),
  ),
  'status of a list': ofVersion({ subresources: { status: [] } }),
  'an empty scale': ofVersion({ subresources: { scale: {} } }),
  'bad scale paths': ofVersion({
    subresources: {
      scale: { specReplicasPath: 'spec.replicas', statusReplicasPath: '.spec.x', labelSelectorPath: '.spec.y[0]' },
    },
  }),
  'scale paths beside spec': ofVersion({
    subresources: {
      scale: { specReplicasPath: '.other.a', statusReplicasPath: '.other.b', labelSelectorPath: '.metadata.c' },
    },
  }),
  'scale without status': ofVersion({
    subresources: { scale: { specReplicasPath: '.spec.a', statusReplicasPath: '.status.b' } },
  }),
  'columns of all faults': ofVersion({
    additionalPrinterColumns: [
      { name: '', type: 'x', jsonPath: '' },
      { name: 'A', type: 'string', jsonPath: 'spec' },
      { name: 'B', type: 'string', format: 'x', jsonPath: '.a[' },
      { name: 'C', type: 'date', jsonPath: '.a', priority: -1 },
    ],
  }),
  'selectable fields': ofVersion({
    schema: { openAPIV3Schema: object({ spec: object({ a: text, n: { type: 'integer' }, f: { type: 'boolean' } }) }) },
    selectableFields: [{ jsonPath: '.spec.a' }, { jsonPath: '.spec.n' }, { jsonPath: '.spec.f' }],
  }),
  'bad selectable fields': ofVersion({
    schema: {
      openAPIV3Schema: object({
        spec: object({ a: text, o: object({}), l: { type: 'array', items: text }, d: { type: 'number' } }),
      }),
    },
    selectableFields: [
      '.spec.b',
      '.spec.o',
      '.spec.l[0]',
      'spec.a',
      '.metadata.name',
      '',
      '.spec.a',
      '.spec.a',
      '.spec.d',
    ].map(jsonPath => ({ jsonPath })),
  }),
  'nine selectable fields': ofVersion({
    schema: { openAPIV3Schema: object({ spec: object(Object.fromEntries([...'abcdefghi'].map(c => [c, text]))) }) },
    selectableFields: [...'abcdefghi'].map(c => ({ jsonPath: `.spec.${c}` })),
  }),
  'conversion None': definition(body => (body.spec.conversion = { strategy: 'None' })),
  'conversion None with a webhook': definition(
    body => (body.spec.conversion = { strategy: 'None', webhook: { conversionReviewVersions: ['v1'] } }),
  ),
  'conversion of another strategy': definition(body => (body.spec.conversion = { strategy: 'Magic' })),
  'conversion by a webhook of no address': definition(body => (body.spec.conversion = { strategy: 'Webhook' })),
  'conversion by a webhook of nothing': definition(
    body =>
      (body.spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: {} } }),
  ),
  'conversion by a webhook of two addresses': definition(
    body =>
      (body.spec.conversion = {
        strategy: 'Webhook',
        webhook: {
          conversionReviewVersions: ['v1'],
          clientConfig: { url: 'https://a.example/', service: { name: 's', namespace: 'n' } },
        },
      }),
  ),
  'conversion by http': definition(
    body =>
      (body.spec.conversion = {
        strategy: 'Webhook',
        webhook: { conversionReviewVersions: ['v9', 'v9', ''], clientConfig: { url: 'http://user@a.example/?a=b#c' } },
      }),
  ),
  'conversion by a service of faults': definition(
    body =>
      (body.spec.conversion = {
        strategy: 'Webhook',
        webhook: {
          conversionReviewVersions: ['v1'],
          clientConfig: { caBundle: 'YQ==', service: { name: '', namespace: '', path: 'a//b', port: 70000 } },
        },
      }),
  ),
  deprecated: ofVersion({ deprecated: true, deprecationWarning: 'gone\nsoon' }),
  'a warning without deprecation': ofVersion({ deprecationWarning: 'x' }),
  'an empty warning': ofVersion({ deprecated: true, deprecationWarning: '' }),
  'status given': definition(
    body => (body.status = { storedVersions: ['v1'], conditions: [], acceptedNames: { plural: 'x', kind: 'X' } }),
  ),
  'unknown fields': definition(body =>
    Object.assign(body.spec, { validation: {}, version: 'v1', additionalPrinterColumns: [] }),
  ),
}

const expressions = [
  ...[
    'url("a").getHost() == ""',
    'quantity("1").sign() == 1',
    'ip("::1").isLoopback()',
    'cidr("::/0").prefixLength() == 0',
    '[1].sum() == 1',
    '[[1],[2]].flatten() == [1,2]',
  ],
  ...[
    '"a".format([1]) == ""',
    '"a".quote() == ""',
    'strings.quote("a") == ""',
    'format.named("uuid").hasValue()',
    'isSemver("1.0.0")',
    'math.least(1, 2) == 1',
    'optional.none().hasValue()',
    '[1].all(i, x, true)',
    '{1: 2}.transformMap(k, v, v) == {}',
  ],
  ...[
    'cel.bind(x, 1, x == 1)',
    'self.metadata == self.metadata',
    'self.kind == "Odd"',
    'self.status == 1',
    'now() == now()',
    'uint(1) == 1u',
    'bytes("a") == b"a"',
    'int("1") == 1',
    'double(1) == 1.0',
    'type(1) == int',
    'google.protobuf.Timestamp{} == null',
    'has(self.spec)',
    'self.?spec.?a.orValue("") == ""',
    '1 == 1.0',
    '1 == "a"',
    'null == self',
    '"a" < 1',
    'true ? 1 : "a"',
    '[1, "a"] == []',
    '{}.a',
    'x == 1',
    'authorizer.path("/a").check("get").allowed()',
    'self.metadata.labels.a == ""',
    'self.metadata.generateName == ""',
    'self.apiVersion == ""',
    'oldSelf == self',
    '!self.metadata.name.endsWith("x")',
    'self.metadata.name.lowerAscii().replace("a", "b", 1).indexOf("b") == 0',
  ],
]

/** Definitions, dry: most have one fault. */
export const refused: readonly [what: string, body: Json][] = [
  ...Object.entries(specs).map(([what, schema]): [string, Json] => [`spec with ${what}`, withSpec(schema)]),
  ...Object.entries(others),
  ...expressions.map((expression): [string, Json] => [
    `rule ${expression}`,
    second({ schema: { openAPIV3Schema: object({ spec: object({ a: text }) }, rule(expression)) } }),
  ]),
]
