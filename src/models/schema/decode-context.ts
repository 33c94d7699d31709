import { OptiFlowError } from '../../base/errors.ts'
import goTypes from './go-types.data.json' with { type: 'json' }

/** A value of the wrong type or form; the message is that of Go's JSON decoder. */
export class DecodeError extends OptiFlowError {}

/** At most so many unknown fields are named in one answer. */
const mostProblems = 100

/** Texts that have a type of their own in Go: `ObjectMeta.uid` is `types.UID`, and messages of wrong types say so. */
const namedTexts: ReadonlyMap<string, string> = new Map(Object.entries(goTypes))

/** Where a decoder is, and what it found strange on its way. */
export class DecodeContext {
  /** Names of fields and places in lists, from the root. */
  readonly path: (string | number)[] = []
  /** Places in `path` that are keys of maps. Messages of wrong types name fields only. */
  readonly mapKeys: number[] = []
  /** Where in `path` what is decoded by itself begins: messages of wrong types name fields from there. */
  start = 0
  /** A null of a custom resource stays where none may be, for validation to refuse: whoever applies it means it. */
  keepsNulls = false
  /** Empty lists stay where null is kept in their place, until it is settled who owns them. */
  keepsEmptyLists = false
  /** The object types on the way, for messages. */
  readonly problems: string[] = []

  /** `spec.containers[0].image` */
  pathText(last?: string): string {
    let text = ''
    for (const step of last === undefined ? this.path : [...this.path, last]) {
      if (typeof step === 'number') text += `[${step}]`
      else text += text === '' ? step : `.${step}`
    }
    return text
  }

  unknown(field: string): void {
    if (this.problems.length < mostProblems) this.problems.push(`unknown field ${JSON.stringify(this.pathText(field))}`)
  }

  /** @param struct name of the innermost object type, @param goType what was wanted, in Go's notation */
  wrongType(value: unknown, struct: string, goType: string): DecodeError {
    const field = this.path
      .filter((step, i) => i >= this.start && typeof step === 'string' && !this.mapKeys.includes(i))
      .join('.')
    const named = namedTexts.get(`${struct}.${field.slice(field.lastIndexOf('.') + 1)}`)
    const type = named ? goType.replace(/^(\[\])?string$/, `$1${named}`) : goType
    const where = field === '' ? 'Go value' : `Go struct field ${struct}.${field}`
    return new DecodeError(`json: cannot unmarshal ${jsonKind(value)} into ${where} of type ${type}`)
  }
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 'number' : `number ${value}`
    case 'bigint':
      return `number ${value}`
    default:
      return 'object'
  }
}
