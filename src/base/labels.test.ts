import { describe, expect, test } from 'vitest'
import { fieldSelectorText, parseFieldSelector } from './field-selector.ts'
import { everything, InvalidSelector, matchesSelector, nothing, parseSelector, selectorFrom } from './labels.ts'
import {
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isPortName,
  isQualifiedName,
} from './names.ts'

describe('label selectors', () => {
  test.each([
    ['', '', {}, true],
    ['a', 'a', { a: '' }, true],
    ['a', 'a', {}, false],
    ['!a', '!a', {}, true],
    ['!a', '!a', { a: '1' }, false],
    ['a=1', 'a=1', { a: '1' }, true],
    ['a==1', 'a==1', { a: '2' }, false],
    ['a!=1', 'a!=1', {}, true],
    ['a != 1', 'a!=1', { a: '1' }, false],
    ['a=', 'a=', { a: '' }, true],
    ['a in (x, y)', 'a in (x,y)', { a: 'y' }, true],
    ['a in (y,x)', 'a in (x,y)', {}, false],
    ['a notin (x)', 'a notin (x)', {}, true],
    ['a notin ()', 'a notin ()', { a: '' }, false],
    ['a in (,x)', 'a in (,x)', { a: '' }, true],
    ['a in (in)', 'a in (in)', { a: 'in' }, true],
    ['in=1', 'in=1', { in: '1' }, true],
    ['a>5', 'a>5', { a: '6' }, true],
    ['a<5', 'a<5', { a: 'x' }, false],
    ['a>5', 'a>5', {}, false],
    ['b=2,a=1', 'a=1,b=2', { a: '1', b: '2' }, true],
    ['b=2,a=1', 'a=1,b=2', { a: '1' }, false],
    ['constructor', 'constructor', {}, false],
    ['example.com/x=1', 'example.com/x=1', { 'example.com/x': '1' }, true],
  ])('%j reads back as %j; on %o it says %s', (text, shown, labels, result) => {
    const selector = parseSelector(text)
    expect(`${selector}`).toBe(shown)
    expect(selector.matches(labels as Record<string, string>)).toBe(result)
    expect(`${parseSelector(shown)}`).toBe(shown)
  })

  test.each([
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['=1', "found '=', expected: !, identifier, or 'end of string'"],
    ['a in x', "unable to parse requirement: found 'x' expected: '('"],
    ['a in (x', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a=1 b', "found 'b', expected: ',' or 'end of string'"],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseSelector(text)).toThrow(new InvalidSelector(message))
  })

  test('a bad key or value is refused with the rule', () => {
    expect(() => parseSelector('a=-x')).toThrow(/a valid label must be an empty string or consist of/)
    expect(() => parseSelector('-a=x')).toThrow(/name part must consist of alphanumeric/)
    expect(() => parseSelector('a>x')).toThrow(/the value must be an integer/)
  })

  test('LabelSelector objects: absent selects nothing, empty everything', () => {
    expect(selectorFrom(undefined)).toBe(nothing)
    expect(matchesSelector(undefined, { a: '1' })).toBe(false)
    expect(matchesSelector({}, undefined)).toBe(true)
    expect(everything.matches({ a: '1' })).toBe(true)
    const selector = selectorFrom({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['b', 'a'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    })
    expect(`${selector}`).toBe('app=web,!old,tier in (a,b)')
    expect(selector.matches({ app: 'web', tier: 'a' })).toBe(true)
    expect(selector.matches({ app: 'web', tier: 'a', old: '' })).toBe(false)
    expect(() => selectorFrom({ matchExpressions: [{ key: 'a', operator: 'constructor' }] })).toThrow(
      '"constructor" is not a valid label selector operator',
    )
  })
})

describe('field selectors', () => {
  test('all forms and escapes', () => {
    const parsed = parseFieldSelector('status.phase!=Running,metadata.name==x,spec.y=a\\,b\\=c')
    expect(parsed).toEqual([
      { field: 'metadata.name', operator: '=', value: 'x' },
      { field: 'spec.y', operator: '=', value: 'a,b=c' },
      { field: 'status.phase', operator: '!=', value: 'Running' },
    ])
    expect(parseFieldSelector(fieldSelectorText(parsed))).toEqual(parsed)
    expect(parseFieldSelector('')).toEqual([])
  })

  test('what cannot be understood is refused', () => {
    expect(() => parseFieldSelector('abc')).toThrow("invalid selector: 'abc'; can't understand 'abc'")
    expect(() => parseFieldSelector('a=b=c')).toThrow('unescaped character in value: 61')
    expect(() => parseFieldSelector('a=b\\x')).toThrow('invalid escape sequence: \\x')
  })
})

describe('names', () => {
  test('each rule tells what is wrong in Kubernetes’ words', () => {
    expect(isDns1123Label('a-1')).toEqual([])
    expect(isDns1123Label('a.b')).toEqual(['must not contain dots'])
    expect(isDns1123Label('A')).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ])
    expect(isDns1123Label('a'.repeat(64))).toEqual(['must be no more than 63 characters'])
    expect(isDns1123Subdomain('a.b-c')).toEqual([])
    expect(isDns1123Subdomain('a..b')).toHaveLength(1)
    expect(isQualifiedName('example.com/a_b')).toEqual([])
    expect(isQualifiedName('/a')).toEqual(['prefix part must be non-empty'])
    expect(isQualifiedName('a/b/c')[0]).toMatch(/^a qualified name must consist of/)
    expect(isQualifiedName('__proto__')).toHaveLength(1)
    expect(isLabelValue('')).toEqual([])
    expect(isLabelValue('a b')).toHaveLength(1)
    expect(isConfigMapKey('..x')).toEqual(["must not start with '..'"])
    expect(isPortName('http')).toEqual([])
    expect(isPortName('80')).toEqual(['must contain at least one letter (a-z)'])
  })

  test('a name of a megabyte is refused in time that grows with its length', () => {
    // With its square it would be an hour.
    for (const check of [isDns1123Label, isDns1123Subdomain, isQualifiedName, isLabelValue, isConfigMapKey])
      expect(check('a-'.repeat(500_000)).length).toBeGreaterThan(0)
  })
})
