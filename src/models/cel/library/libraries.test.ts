import { describe, expect, test } from 'vitest'
import {
  authorizerType,
  authorizerValue,
  CelCompileError,
  CelCostExceeded,
  CelRuntimeError,
  cel,
  compileCel,
} from '../index.ts'

const run = (source: string, costLimit = 1_000_000, bindings: Record<string, unknown> = {}) =>
  compileCel(source, { variables: { x: cel.dyn } }).evaluate(bindings, { costLimit })

const outcomeOf = (source: string): unknown => {
  try {
    return run(source).value
  } catch (error) {
    if (error instanceof CelRuntimeError || error instanceof CelCompileError) return `!${error.message}`
    throw error
  }
}

test.each([
  ['int', 'int'],
  ['uint', 'uint'],
  ['double', 'double'],
  ['bool', 'bool'],
  ['duration', 'google.protobuf.Duration'],
  ['timestamp', 'google.protobuf.Timestamp'],
])('a text that is no %s is refused by its type alone', (name, type) => {
  expect(outcomeOf(`${name}(['x y'][0])`)).toBe(`!type conversion error from 'string' to '${type}'`)
})

describe('texts', () => {
  test.each<[string, unknown]>([
    ["'hello'.charAt(4)", 'o'],
    ["'héllo😀!'.substring(5, 6)", '😀'],
    ["'a-b-c'.split('-')", ['a', 'b', 'c']],
    ["'a-b-c'.split('-', 2)", ['a', 'b-c']],
    ["['a', 'b'].join(',')", 'a,b'],
    ["'abc'.replace('', '-')", '-a-b-c-'],
    ["'aaa'.replace('a', 'b', 2)", 'bba'],
    ["'  x '.trim() + 'Ä'.lowerAscii() + 'Ab'.upperAscii()", 'xÄAB'],
    ["'tacocat'.lastIndexOf('co')", 2],
    ["'x'.charAt(2)", '!index out of range: 2'],
    ["'%s has %d of %.1f'.format([dyn('a'), 3, 2.25])", 'a has 3 of 2.2'],
    ['strings.quote(\'a\\n"b"\')', '"a\\n\\"b\\""'],
    ["'abc 123 def 45'.find('[0-9]+')", '123'],
    ["'abc 123 def 45'.findAll('[0-9]+')", ['123', '45']],
    ["'123 abc 456'.findAll('[0-9]*', 1)", ['123']],
    [
      "'a'.matches('(')",
      "!compilation failed: ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^",
    ],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

describe('lists and sets', () => {
  test.each<[string, unknown]>([
    ['[1, 3, 2].isSorted()', false],
    ["['a', 'b', 'b'].isSorted()", true],
    ['[1, 3, 2].sum()', 6],
    ['[1.5, 2.5].sum()', 4],
    ["[duration('1m'), duration('30s')].sum()", '90s'],
    ["['b', 'a'].min() + ['b', 'a'].max()", 'ab'],
    ['[].indexOf(1)', -1],
    ['[1, 2, 2].indexOf(2)', 1],
    ['[1, 2, 2].lastIndexOf(2)', 2],
    ['sets.contains([1, 2, 3], [3, 1])', true],
    ['sets.equivalent([1, 1], [1])', true],
    ['sets.intersects([1], [2])', false],
    ['[1, 2].transformList(i, v, i + v)', [1, 3]],
    ["{'a': 1}.transformMap(k, v, v + 1)", { a: 2 }],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

describe('quantities', () => {
  test.each<[string, unknown]>([
    ["quantity('1Gi').isGreaterThan(quantity('1G'))", true],
    ["quantity('200M') == quantity('0.2G')", true],
    ["quantity('50k').add(20) == quantity('50.02k')", true],
    ["quantity('50k').sub(quantity('20')).asInteger()", 49980],
    ["quantity('50.703k').asApproximateFloat()", 50703],
    ["quantity('1.5').isInteger()", false],
    ["sign(quantity('-3'))", -1],
    ["quantity('1').compareTo(quantity('1000m'))", 0],
    ["isQuantity('1.3Zi') || isQuantity('')", false],
    ["quantity('1.5').asInteger()", '!cannot convert value to integer'],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

describe('addresses', () => {
  test.each<[string, unknown]>([
    ["ip('192.168.0.1').family() + ip('::1').family()", 10],
    ["isIP('127.0.0.256') || isIP('::ffff:1.2.3.4') || isIP('fe80::1%eth0')", false],
    ["string(ip('2001:DB8:0:0:0:0:0:1'))", '2001:db8::1'],
    ["ip.isCanonical('2001:DB8::1')", false],
    ["ip('0:0:0:0:0:0:0:0').isUnspecified() && ip('127.0.0.1').isLoopback()", true],
    ["ip('224.0.0.1').isLinkLocalMulticast() && ip('fe80::1').isLinkLocalUnicast()", true],
    ["ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()", true],
    ["cidr('192.168.0.0/24').containsIP('192.168.0.7')", true],
    ["cidr('192.168.0.0/24').containsIP(ip('::1'))", false],
    ["cidr('192.168.0.0/24').containsCIDR('192.168.0.128/25')", true],
    ["cidr('192.168.0.0/25').containsCIDR(cidr('192.168.0.0/24'))", false],
    ["string(cidr('192.168.1.1/24').masked())", '192.168.1.0/24'],
    ["cidr('::1/64').prefixLength()", 64],
    ["cidr('10.0.0.0/8').ip() == ip('10.0.0.0')", true],
    ["isCIDR('10.0.0.0/33')", false],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

describe('URLs and formats', () => {
  test.each<[string, unknown]>([
    ["url('https://example.com:80/a b?k=1&k=2&x=%20').getEscapedPath()", '/a%20b'],
    ["url('https://example.com:80/?k=1&k=2&x=%20').getQuery()", { k: ['1', '2'], x: [' '] }],
    ["url('https://[::1]:8080/').getHostname() + url('https://[::1]:8080/').getPort()", '::18080'],
    ["url('HTTPS://user@example.com/').getScheme() + url('https://user@example.com/').getHost()", 'httpsexample.com'],
    ["url('/path').getHost()", ''],
    ["isURL('https://example.com') && !isURL('../relative') && !isURL('https://a b/')", true],
    ["format.dns1123Label().validate('my-name').hasValue()", false],
    ["format.dns1123Label().validate('My_Name').value()[0].contains('RFC 1123')", true],
    ["format.dns1123LabelPrefix().validate('my-name-').hasValue()", false],
    ["format.named('uuid').value().validate('x').value()", ['does not match the UUID format']],
    ["format.named('nothing').hasValue()", false],
    [
      "format.date().validate('2024-02-30').hasValue() && !format.datetime().validate('2024-02-28T01:02:03Z').hasValue()",
      true,
    ],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

describe('optionals', () => {
  test.each<[string, unknown]>([
    ["{'a': {'b': 1}}.?a.?b.orValue(0)", 1],
    ["{'a': {'b': 1}}.?c.?b.orValue(0)", 0],
    ["{?'a': {}.?x, 'b': 1}", { b: 1 }],
    ['[1, ?optional.none(), 2]', [1, 2]],
    ['optional.of(2).optMap(v, v * 2).value()', 4],
    ['[1][?3].hasValue()', false],
    ['optional.none().value()', '!optional.none() dereference'],
  ])('%s', (source, value) => {
    expect(outcomeOf(source)).toEqual(value)
  })
})

test('the authorizer is asked what the expression says, and each check is dear', () => {
  const asked: unknown[] = []
  const authorizer = authorizerValue(question => {
    asked.push(question)
    return { allowed: question.verb === 'create', reason: 'because', error: '' }
  })
  const ask = (source: string) =>
    compileCel(source, { variables: { authorizer: authorizerType } }).evaluate({ authorizer }, { costLimit: 1_000_000 })
  expect(ask("authorizer.group('').resource('pods').namespace('x').check('create').allowed()")).toEqual({
    value: true,
    cost: 350_005,
  })
  expect(ask("authorizer.serviceAccount('a', 'b').path('/healthz').check('get').reason()").value).toBe('because')
  const blank = {
    path: '',
    group: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    fieldSelector: '',
    labelSelector: '',
  }
  expect(asked).toEqual([
    { ...blank, resource: 'pods', namespace: 'x', verb: 'create' },
    { ...blank, path: '/healthz', verb: 'get', serviceAccount: { namespace: 'a', name: 'b' } },
  ])
  const thrice = Array(3).fill("authorizer.path('/').check('get').allowed()").join(' || ')
  expect(() => ask(thrice)).toThrow(CelCostExceeded)
})

test.each<[string, number]>([
  ['x.a', 2],
  ['has(x.a)', 1],
  ["x['a']", 2],
  ['x.all(k, true)', 5],
  ["'12345678901234567890' == '123456789012345678901234567890'", 2],
  ["'123'.matches('[0-9]')", 2],
  ['true ? 1 : 2', 0],
  ['x.a == 1 || x.b', 3],
  ['[x.a].filter(i, i % 2 == 1)', 29],
  ["'abc 123 def 123'.replace('123', '456')", 3],
  ["ip('192.168.0.1') == ip('192.168.0.1')", 5],
  ["quantity('50k').add(20) == quantity('50.02k')", 4],
  ['sets.contains([1, 2, 3, 4], [2, 3])', 9],
])('%s costs %i', (source, cost) => {
  expect(run(source, 1000, { x: { a: 1 } }).cost).toBe(cost)
})

test.each([
  "'ab'.reverse()",
  '[1].reverse()',
  'math.abs(-1)',
  "base64.encode(b'a')",
  '[[1]].flatten()',
  "semver('1.0.0')",
])('%s is of a later version of Kubernetes, and refused', source => {
  expect(() => compileCel(source, { variables: {} })).toThrow('undeclared reference')
})

describe('estimates', () => {
  const estimate = (source: string, maxElements: number) => {
    const texts = cel.list({ kind: 'string', maxElements: 20 }, { maxElements })
    return compileCel(source, { variables: { x: texts } }).estimateCost()
  }

  test('a loop costs as much as its longest list, and a text as much as its greatest length', () => {
    expect(estimate('x.all(i, true)', 10)).toEqual({ min: 2, max: 2 + 10 * 3 })
    expect(estimate("x.exists(i, i.contains('ab'))", 10).max).toBe(2 + 10 * (3 + 1 + 1 + 2))
  })

  test('nested loops multiply', () => {
    expect(estimate('x.all(i, x.all(j, i != j))', 1000).max).toBeGreaterThan(1000 * 1000 * 3)
    expect(compileCel('x.all(i, true)', { variables: { x: cel.list(cel.int) } }).estimateCost().max).toBe(Infinity)
  })
})

describe('hostile expressions end soon', () => {
  const many = Array.from({ length: 5000 }, (_, i) => i)
  const stops = (action: () => unknown, error: new (...args: any[]) => Error) => {
    // Processor time: how busy the machine is says nothing.
    const begin = process.cpuUsage()
    expect(action).toThrow(error)
    expect(process.cpuUsage(begin).user / 1000).toBeLessThan(2000)
  }

  test('loops in loops', () => {
    stops(() => run('x.all(a, x.all(b, x.all(c, x.all(d, true))))', 1_000_000, { x: many }), CelCostExceeded)
    stops(() => run('x.all(a, x.exists(b, x.nothing || false))', 1_000_000, { x: many }), CelCostExceeded)
    stops(() => run('x.map(a, x.map(b, x))', 1_000_000, { x: many }), CelCostExceeded)
  })

  test('deep nesting', () => {
    stops(() => compileCel('('.repeat(10_000) + ')'.repeat(10_000), { variables: {} }), CelCompileError)
    stops(() => compileCel(`${'['.repeat(3000)}${']'.repeat(3000)}`, { variables: {} }), CelCompileError)
    stops(() => compileCel(`1${' + 1'.repeat(20_000)}`, { variables: {} }), CelCompileError)
    stops(() => compileCel(`${'!-'.repeat(5000)}x`, { variables: { x: cel.int } }), CelCompileError)
    stops(() => compileCel(`x${'.a'.repeat(30_000)}`, { variables: { x: cel.dyn } }), CelCompileError)
    stops(() => compileCel('"""'.repeat(30_000), { variables: {} }), CelCompileError)
    stops(() => compileCel(`${'a'.repeat(100_001)}`, { variables: {} }), CelCompileError)
  })

  test('patterns that backtracking engines never end on', () => {
    const text = `${'a'.repeat(20_000)}b`
    // Twice as long for each letter, if it is tried in every way.
    expect(run("x.matches('^(a+)+$')", 1_000_000, { x: text }).value).toBe(false)
    stops(() => run("x.matches('((a{500}){500}){500}')", 1_000_000, { x: text }), CelCompileError)
    stops(() => run(`x.matches('(${'ab'.repeat(1000)}){1000}')`, 1_000_000, { x: text }), CelCompileError)
    stops(() => run("x.matches('a.{800}$')", 1_000_000, { x: text.repeat(10) }), CelCostExceeded)
    stops(() => run("'b'.matches(x)", 1_000_000, { x: '[^a]{1000}'.repeat(200) }), CelRuntimeError)
  })

  test('texts and lists that double', () => {
    stops(() => run(`cel.bind(a0, 'aaaaaaaaaaaaaaaa', ${reversed(60, 'size(a60) > 0')})`), CelCostExceeded)
    stops(() => run(`cel.bind(a0, [1, 2], ${reversed(50, '[a50] == [a50 + [1]] || [a50] == [a50]')})`), CelCostExceeded)
  })
})

/** `cel.bind(a1, a0 + a0, cel.bind(a2, a1 + a1, … body))` */
function reversed(times: number, body: string): string {
  return Array.from({ length: times }, (_, i) => times - i).reduce(
    (inner, i) => `cel.bind(a${i}, a${i - 1} + a${i - 1}, ${inner})`,
    body,
  )
}
