import { expect, test } from 'vitest'
import { checkDeviceExpression } from './device-expression.ts'

const told = (expression: string, stored = false) =>
  checkDeviceExpression('e', expression, stored).map(e => e.message.split('\n')[0]!.replace(/^e: /, ''))
const compilation = 'compilation failed: ERROR: <input>:'

test.each<[string, string | RegExp]>([
  ['', `${compilation}1:0: Syntax error: mismatched input '<EOF>'`],
  ['device.zz', `${compilation}1:7: undefined field 'zz'`],
  ['device.driver', 'must evaluate to bool or the unknown type, not string'],
  ['device.attributes["a"]', 'must evaluate to bool or the unknown type, not map(string, google.protobuf.Any)'],
  ['null', 'must evaluate to bool or the unknown type, not null_type'],
  ['oldSelf', `${compilation}1:1: undeclared reference to 'oldSelf'`],
  ['device.attributes.all(k, v, v.b)', `${compilation}1:22: undeclared reference to 'all'`],
  ['x'.repeat(10_241), 'Too long: may not be more than 10240 bytes'],
  [
    'device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a == b))))',
    'too complex, exceeds cost limit',
  ],
])('%.40s is refused', (expression, why) => {
  expect(told(expression)).toEqual([expect.stringContaining(why as string)])
})

test.each([
  'device.driver == "x"',
  'device.attributes["a"].b',
  'device.attributes["a"].v == semver("1.2.3")',
  'device.attributes["a"].b == device.attributes["a"].c',
  'device.capacity["a"].b.compareTo(quantity("1Gi")) >= 0',
  'cel.bind(d, device.attributes["a"], d.b && d.c)',
  'device.attributes["a"].b.matches("x+")',
])('%s selects devices', expression => {
  expect(told(expression)).toEqual([])
})

test('what is stored may use more', () => {
  expect(told('device.attributes.all(k, v, k == "x")', true)).toEqual([])
})
