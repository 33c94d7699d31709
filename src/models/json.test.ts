import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from './api-error.ts'
import { encodeJson } from './encode-json.ts'
import { parseJson } from './json.ts'
import { parseYaml, parseYamlDocuments } from './yaml.ts'

function refusal(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).code).toBe(400)
    return (error as Error).message
  }
  throw new Error('not refused')
}

describe('parseJson', () => {
  test('what JSON.parse reads is read the same by both passes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, exact) => {
        const text = JSON.stringify(value, null, 1)
        expect(parseJson(text, { duplicates: true, exactIntegers: exact }).value).toEqual(JSON.parse(text))
        const { value: again } = parseJson(`[12345678901234567890,${text}]`, { exactIntegers: true })
        expect(again).toEqual([12345678901234567890n, JSON.parse(text)])
        expect(encodeJson(again)).toBe(`[12345678901234567890,${JSON.stringify(JSON.parse(text))}]`)
      }),
    )
  })

  test('duplicate fields are named with their path', () => {
    const text = '{"a":1,"b":{"c":[{"d":1,"d":2}]},"\\u0061":3,"x":"}\\\\\\"{\\"a\\":1"}'
    expect(parseJson(text, { duplicates: true })).toEqual({
      value: { a: 3, b: { c: [{ d: 2 }] }, x: '}\\"{"a":1' },
      duplicates: ['duplicate field "b.c[0].d"', 'duplicate field "a"'],
    })
    expect(parseJson(text).duplicates).toEqual([])
  })

  test('integers beyond 2^53 are exact when asked for, to the byte', () => {
    const text =
      '{"a":9007199254740993,"b":-9223372036854775808,"c":"9007199254740993","d":1.5,"e":1000000000000000000000}'
    const { value } = parseJson(text, { exactIntegers: true })
    expect((value as any).a).toBe(9007199254740993n)
    expect(encodeJson(value)).toBe(text)
    expect((parseJson(text).value as any).a).toBe(9007199254740992)
  })

  test('a string that looks like the mark of an exact integer stays a string', () => {
    const value = { a: 5n, b: '\u0001int:5', c: '\u0001int::7' }
    expect(encodeJson(value)).toBe('{"a":5,"b":"\\u0001int:5","c":"\\u0001int::7"}')
  })

  test('too deep, broken and non-UTF-8 bodies are refused', () => {
    expect(refusal(() => parseJson(`${'['.repeat(5000)}${']'.repeat(5000)}`))).toContain('nested more than 200 levels')
    expect(refusal(() => parseJson('{"a":'.repeat(100_000)))).toContain('nested more than 200 levels')
    expect(refusal(() => parseJson('{"a":}'))).toContain('the body is not valid JSON')
    expect(refusal(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)))).toContain('not valid UTF-8')
    expect(parseJson(`"${'['.repeat(5000)}"`).value).toHaveLength(5000)
  })

  test('quotes and backslashes without end cost linear time', () => {
    // Of the square of their length it would be hours.
    refusal(() => parseJson(`"${'\\'.repeat(3_000_000)}`))
    refusal(() => parseJson(`"${'\\"'.repeat(1_500_000)}`))
  })

  test('__proto__ in a body is an own key and pollutes nothing', () => {
    const { value } = parseJson('{"__proto__":{"polluted":12345678901234567890}}', { exactIntegers: true })
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect(({} as any).polluted).toBeUndefined()
  })
})

describe('parseYaml', () => {
  test('is YAML 1.1 as Kubernetes reads it', () => {
    expect(
      parseYaml('a: yes\nb: 0o17\nc: 2020-01-01\nd: 1:30\ne: "yes"\nf: &x {k: 1}\ng: {<<: *x, l: 2}\nh: 0755\ni: ~\n')
        .value,
    ).toEqual({
      a: true,
      b: '0o17',
      c: '2020-01-01',
      d: '1:30',
      e: 'yes',
      f: { k: 1 },
      g: { k: 1, l: 2 },
      h: 493,
      i: null,
    })
  })

  test('several documents, duplicates, and nothing', () => {
    expect(parseYamlDocuments('a: 1\n---\n---\nb: 2\n').map(d => d.value)).toEqual([{ a: 1 }, { b: 2 }])
    expect(refusal(() => parseYaml('a: 1\n---\nb: 2\n'))).toContain('2 YAML documents')
    expect(parseYaml('')).toEqual({ value: null, duplicates: [] })
    expect(parseYaml('a: 1\nb:\n  c: 1\n  c: 2\n', { duplicates: true })).toEqual({
      value: { a: 1, b: { c: 2 } },
      duplicates: ['yaml: unmarshal errors:\n  line 4: key "c" already set in map'],
    })
  })

  test('hostile texts are refused in time', () => {
    let bomb = 'a0: &a0 [x,x,x,x,x,x,x,x,x]\n'
    for (let i = 1; i < 12; i++)
      bomb += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(',')}]\n`
    expect(refusal(() => parseYaml(bomb))).toMatch(/alias/i)
    expect(refusal(() => parseYaml('['.repeat(5000)))).toContain('not valid YAML')
    expect(refusal(() => parseYaml(`${'['.repeat(5000)}${']'.repeat(5000)}`))).toContain('levels deep')
    expect(refusal(() => parseYaml(`${'- '.repeat(5000)}a`))).toContain('levels deep')
    expect(refusal(() => parseYaml('a: [b'))).toContain('not valid YAML')
    expect(refusal(() => parseYaml('x'.repeat(4_000_000)))).toContain('send JSON')
  })

  test.each([
    ['lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['lists that do not end', '['.repeat(3_000)],
    ['maps', '{a: '.repeat(2_000) + '}'.repeat(2_000)],
    ['lists on one line', `${'- '.repeat(5_000)}a`],
    ['keys', `${'? '.repeat(5_000)}a`],
    ['indented maps', Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
  ])('%s nested too deep are refused before anything is made of them', (_what, text) => {
    expect(refusal(() => parseYaml(text))).toBe('the body is not valid YAML: nested more than 200 levels deep')
  })

  test('JSON sent as YAML is read as JSON, and what only looks like it as YAML', () => {
    const exact = { exactIntegers: true }
    expect(parseYaml(' {"a": [1, 9007199254740993, "yes"]}', exact).value).toEqual({ a: [1, 9007199254740993n, 'yes'] })
    expect(parseYaml('{"a": yes, b: [on]}').value).toEqual({ a: true, b: [true] })
    expect(parseYaml('{"a": 1, "a": 2}', { duplicates: true }).duplicates).toHaveLength(1)
  })

  test('what is not nested too deep is read', () => {
    const lists = '['.repeat(200) + ']'.repeat(200)
    expect(JSON.stringify(parseYaml(lists).value)).toBe(lists)
    const maps = `${'{"a":'.repeat(199)}1${'}'.repeat(199)}`
    expect(JSON.stringify(parseYaml(maps).value)).toBe(maps)
    const indented = Array.from({ length: 199 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')
    expect(JSON.stringify(parseYaml(`${indented}${' '.repeat(200)}1`).value)).toBe(maps)
  })

  test('__proto__ in YAML pollutes nothing', () => {
    const { value } = parseYaml('__proto__: {polluted: 1}\na: {<<: {__proto__: {polluted: 1}}}\n')
    expect(({} as any).polluted).toBeUndefined()
    expect((value as any).polluted).toBeUndefined()
  })
})
