import {
  Composer,
  type CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  parseAllDocuments,
  type Scalar,
  type Tags,
  visit,
} from 'yaml'
import { badRequest } from './api-error.ts'
import { maxDepth, type Parsed, parseJson } from './json.ts'

/** YAML is slow to read and easy to blow up; longer texts are refused. */
export const maxYamlLength = 3 * 1024 * 1024
/** How many nodes aliases may stand for altogether. */
const maxAliases = 100

export interface YamlOptions {
  /** Look for keys that repeat. */
  duplicates?: boolean
  /** Integers beyond 2^53 become bigints, to be written with `encodeJson`; else they are rounded. */
  exactIntegers?: boolean
}

/**
 * Parses one YAML document from outside as Kubernetes reads them: version 1.1 (`yes` and `on` are booleans, merge keys
 * work), with dates and clock times left as text.
 * @throws ApiError BadRequest: no YAML, several documents, too deep, too long, or too many aliases
 */
export function parseYaml(text: string, options: YamlOptions = {}): Parsed {
  const json = asJson(text, options)
  // What is there twice is told with its line, which only YAML's own parser knows.
  if (json?.duplicates.length === 0) return json
  const documents = parseYamlDocuments(text, options)
  if (documents.length > 1) throw badRequest(`the body has ${documents.length} YAML documents; send one at a time`)
  return documents[0] ?? { value: null, duplicates: [] }
}

/** Most of what is sent as YAML is JSON, which is YAML too, and read a hundred times as fast. Undefined if it is not. */
function asJson(text: string, { duplicates = false, exactIntegers = false }: YamlOptions): Parsed | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return parseJson(text, { duplicates, exactIntegers })
  } catch {
    return undefined
  }
}

/**
 * Parses a YAML text of several documents; empty ones are left out.
 * @throws ApiError BadRequest
 */
export function parseYamlDocuments(text: string, wanted: YamlOptions = {}): Parsed[] {
  if (text.length > maxYamlLength)
    throw badRequest(`the YAML text has ${text.length} characters, more than ${maxYamlLength}; send JSON, or less`)
  const lines = new LineCounter()
  const options = { ...dialect, lineCounter: lines }
  return refusing(() => {
    const documents = [...new Composer(options).compose(tokensOf(text, lines))]
    // Only the library itself says where in the text an error is.
    if (documents.some(d => d.errors.length > 0)) throw firstError(parseAllDocuments(text, dialect) as Document[])
    return documents
      .map(document => parsedOf(document as Document, lines, wanted))
      .filter(({ value }) => value !== null && value !== undefined)
  })
}

/**
 * What the text consists of. How deep it nests is looked at before anything is made of it: what makes nodes calls itself at
 * each level, and V8 ends the whole process if it has to compile a regular expression when the stack is nearly full.
 */
function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    // Some levels have two entries; the exact depth is checked afterwards.
    if (parser.stack.length > 2 * maxDepth) throw new RangeError('too deep')
  }
  yield* parser.end()
}

function firstError(documents: Document[]): Error {
  return documents.flatMap(d => d.errors)[0] ?? new Error('it cannot be read')
}

/** Times and base-60 numbers stay text; the tags that make other things than JSON has are unknown. */
function withoutTimes(tags: Tags): Tags {
  return tags.filter(tag => {
    if (typeof tag === 'string')
      return !['timestamp', 'intTime', 'floatTime', 'binary', 'omap', 'pairs', 'set'].includes(tag)
    return tag.format !== 'TIME' && !/:(timestamp|binary|omap|pairs|set)$/.test(tag.tag)
  })
}

const dialect = {
  version: '1.1',
  uniqueKeys: false,
  logLevel: 'silent',
  merge: true,
  customTags: withoutTimes,
} as const

/** Whatever goes wrong in a parser of foreign text, a stack overflow included, is the text's fault. */
function refusing<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    const why =
      error instanceof RangeError || /call stack/.test((error as Error).message)
        ? `nested more than ${maxDepth} levels deep`
        : (error as Error).message
    throw badRequest(`the body is not valid YAML: ${why}`)
  }
}

function parsedOf(document: Document, lines: LineCounter, options: YamlOptions): Parsed {
  const repeated: string[] = []
  inspect(document.contents, 0, options.duplicates ? repeated : undefined, lines)
  if (options.exactIntegers) visit(document, { Scalar: (_, node) => void makeExact(node) })
  const value: unknown = document.toJS({ maxAliasCount: maxAliases })
  return {
    value,
    duplicates: repeated.length > 0 ? [`yaml: unmarshal errors:\n${repeated.map(text => `  ${text}`).join('\n')}`] : [],
  }
}

/** An integer that a number cannot hold becomes a bigint, read again from the text. */
function makeExact(node: Scalar): void {
  if (typeof node.value === 'number' && !Number.isSafeInteger(node.value) && /^[-+]?\d+$/.test(node.source ?? ''))
    node.value = BigInt(node.source!)
}

/** Checks the depth, and lists keys that repeat if `repeated` is given. */
function inspect(node: unknown, depth: number, repeated: string[] | undefined, lines: LineCounter): void {
  if (depth > maxDepth) throw new RangeError('too deep')
  if (isSeq(node)) for (const item of node.items) inspect(item, depth + 1, repeated, lines)
  if (!isMap(node)) return
  const seen = new Set<unknown>()
  for (const { key, value } of node.items) {
    if (isScalar(key)) {
      if (repeated && seen.has(key.value) && repeated.length < 100)
        repeated.push(
          `line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(key.value)} already set in map`,
        )
      seen.add(key.value)
    } else inspect(key, depth + 1, repeated, lines)
    inspect(value, depth + 1, repeated, lines)
  }
}
