import { CelCompileError, CelCostExceeded, CelRuntimeError } from '../errors.ts'
import type { Library } from '../library/function.ts'
import { compileCel } from '../program.ts'
import { type CelType, cel, typeText } from '../types.ts'
import { equal } from '../values/equality.ts'
import { parseDuration, parseTimestamp } from '../values/time.ts'
import { ArrayList, EntryMap, TypeValue, Uint, type Value } from '../values/value.ts'

/** A test as the language's own suite writes it: the expression, and what it must be. */
export interface ConformanceTest {
  original: {
    name?: string
    expr: string
    disableCheck?: boolean
    checkOnly?: boolean
    container?: string
    typeEnv?: { name: string; ident?: { type: any }; function?: unknown }[]
    bindings?: Record<string, { value: any }>
    value?: any
    typedResult?: { result?: any }
    evalError?: unknown
  }
  /** Of the compiler. */
  error?: string
  type?: string
}

export interface ConformanceSuite {
  name: string
  suites?: ConformanceSuite[]
  tests?: ConformanceTest[]
}

/** Why a test says nothing of an implementation without protocol buffers; undefined if it applies. */
export function outOfScope(test: ConformanceTest): string | undefined {
  const text = JSON.stringify(test.original)
  if (/TestAllTypes|GlobalEnum|NestedEnum|TestRequired/.test(text)) return 'protobuf messages'
  if (
    /google\.protobuf\.(Any|Struct|Value|ListValue|\w+Value|Empty|FieldMask)\b|google\.protobuf\.(Timestamp|Duration) ?\{/.test(
      text,
    )
  )
    return 'protobuf messages'
  if (test.original.container?.startsWith('google.protobuf')) return 'protobuf messages'
  if (/\bproto\.(has|get)Ext\b/.test(text)) return 'protobuf messages'
  if (/cel\.@block|cel\.block|cel\.index|cel\.iterVar|cel\.accuVar/.test(text)) return 'blocks that optimisers write'
  if (test.original.typeEnv?.some(entry => entry.function)) return 'functions declared without a body'
  if (/"(objectValue|enumValue|abstractType)"/.test(text)) return 'protobuf messages'
  return undefined
}

/** @returns what is wrong, or undefined */
export function failureOf(test: ConformanceTest, functions: Library): string | undefined {
  const { expr, typeEnv = [], bindings = {}, container = '', checkOnly } = test.original
  const loose = test.original.disableCheck ?? false
  const types = typeEnv.flatMap(({ name, ident }) => (ident ? [[name, typeOf(ident.type)] as const] : []))
  const variables = Object.fromEntries(loose ? types.map(([name]) => [name, cel.dyn]) : types)
  const failsToRun = test.original.evalError !== undefined
  try {
    const program = compileCel(expr, { variables, container, functions, mixedLiterals: true })
    const type = typeText(program.resultType)
    if (!loose && test.type && normal(type) !== normal(test.type)) return `type ${type}, not ${test.type}`
    if (checkOnly) return undefined
    const given = Object.fromEntries(Object.entries(bindings).map(([name, { value }]) => [name, celValue(value)]))
    const { value } = program.compute(given, { costLimit: 1e9 })
    if (failsToRun) return `no failure, but ${show(value)}`
    const wanted = celValue(test.original.value ?? test.original.typedResult?.result ?? { boolValue: true })
    return same(value, wanted) ? undefined : `${show(value)}, not ${show(wanted)}`
  } catch (error) {
    const ours =
      error instanceof CelCompileError || error instanceof CelRuntimeError || error instanceof CelCostExceeded
    if (!ours) throw error
    if (failsToRun || (error instanceof CelCompileError && test.error !== undefined)) return undefined
    return error.message
  }
}

const normal = (type: string): string =>
  type.replaceAll('google.protobuf.', '').replaceAll('type(dyn)', 'type').toLowerCase()

/** NaN is what NaN ought to be. */
const same = (a: Value, b: Value): boolean =>
  (typeof a === 'number' && typeof b === 'number' && Object.is(a, b)) || (equal(a, b) && typeof a === typeof b)

const show = (value: Value): string =>
  JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part)) ?? String(value)

const primitives: Record<string, CelType> = {
  BOOL: cel.bool,
  INT64: cel.int,
  UINT64: cel.uint,
  DOUBLE: cel.double,
  STRING: cel.string,
  BYTES: cel.bytes,
  TIMESTAMP: cel.timestamp,
  DURATION: cel.duration,
}

function typeOf(type: any): CelType {
  if (type.primitive) return primitives[type.primitive]!
  if (type.wellKnown) return primitives[type.wellKnown] ?? cel.dyn
  if (type.wrapper) return cel.wrapper(primitives[type.wrapper]!)
  if (type.listType) return cel.list(typeOf(type.listType.elemType ?? { dyn: {} }))
  if (type.mapType) return cel.map(typeOf(type.mapType.keyType), typeOf(type.mapType.valueType))
  if (type.type) return cel.type(typeOf(type.type))
  return 'null' in type ? cel.null : cel.dyn
}

const special: Record<string, number> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity }

function celValue(json: any): Value {
  const [kind, value] = Object.entries(json as Record<string, any>)[0] ?? ['nullValue', null]
  switch (kind) {
    case 'int64Value':
      return BigInt(value)
    case 'uint64Value':
      return new Uint(BigInt(value))
    case 'doubleValue':
      return special[value] ?? Number(value)
    case 'bytesValue':
      return Uint8Array.from(atob(value), c => c.charCodeAt(0))
    case 'nullValue':
      return null
    case 'typeValue':
      return new TypeValue(value)
    case 'listValue':
      return new ArrayList((value.values ?? []).map(celValue))
    case 'mapValue': {
      const map = new EntryMap()
      for (const entry of value.entries ?? []) map.insert(celValue(entry.key), celValue(entry.value))
      return map
    }
    default:
      return value['@type'] ? (parseTimestamp(value.value) ?? parseDuration(value.value)!) : value
  }
}

const ownWords = /^ERROR: <input>:\d+:\d+: (undeclared reference|found no matching overload|expected type)/

/** The same of tests that are not run: what the compiler says, or the type that it finds. @returns what is wrong, or undefined */
export function compileFailureOf(test: ConformanceTest, functions: Library): string | undefined {
  try {
    const type = typeText(compileCel(test.original.expr, { variables: {}, functions, mixedLiterals: true }).resultType)
    if (test.error !== undefined) return `no error, but ${type}`
    return !test.type || normal(type) === normal(test.type) ? undefined : `type ${type}, not ${test.type}`
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    if (test.error === undefined) return error.message
    const message = error.message.replace('compilation failed: ', '')
    return message === test.error || !ownWords.test(test.error) ? undefined : `${message}\nnot ${test.error}`
  }
}
