import { OptiFlowError } from '../../base/errors.ts'
import { type FieldError, typeInvalid } from '../../models/field-error.ts'
import { parseGoDuration } from '../../models/go-duration.ts'

/** A configuration cannot be used; the message names every field that is wrong. */
export class BadConfiguration extends OptiFlowError {}

export type Fields = Record<string, unknown>

/** Reads one file of an administrator's and collects all that is wrong with it, so that it is mended at once. */
export class ConfigFile {
  readonly wrong: FieldError[] = []

  /** The object there, and a complaint about each field that nobody knows; of anything else an empty one. */
  object(at: string, value: unknown, known: readonly string[]): Fields {
    if (value === undefined || value === null) return {}
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.wrong.push(typeInvalid(at, value, 'must be an object'))
      return {}
    }
    for (const field of Object.keys(value))
      if (!known.includes(field))
        this.wrong.push({ field: join(at, field), reason: 'FieldValueForbidden', message: 'unknown field' })
    return value as Fields
  }

  list(at: string, value: unknown): unknown[] {
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value
    this.wrong.push(typeInvalid(at, value, 'must be a list'))
    return []
  }

  /** '' where nothing is said. */
  text(at: string, value: unknown): string {
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value
    this.wrong.push(typeInvalid(at, value, 'must be a string'))
    return ''
  }

  texts(at: string, value: unknown): string[] {
    return this.list(at, value).map((one, i) => this.text(`${at}[${i}]`, one))
  }

  flag(at: string, value: unknown): boolean {
    if (value !== undefined && value !== null && typeof value !== 'boolean')
      this.wrong.push(typeInvalid(at, value, 'must be true or false'))
    return value === true
  }

  /** 0 where nothing is said. */
  wholeNumber(at: string, value: unknown): number {
    if (value === undefined || value === null) return 0
    if (Number.isSafeInteger(value)) return value as number
    this.wrong.push(typeInvalid(at, value, 'must be a whole number'))
    return 0
  }

  /** @returns milliseconds of a duration such as `5m`; undefined where nothing is said, or nothing that can be read */
  durationMs(at: string, value: unknown): number | undefined {
    if (value === undefined || value === null) return undefined
    const ms = typeof value === 'string' ? parseGoDuration(value) : undefined
    if (ms === undefined) this.wrong.push(typeInvalid(at, value, 'must be a duration such as "30s"'))
    return ms
  }

  /** @param versions of apiVersion and kind, such as `apiserver.config.k8s.io/v1 AuthorizationConfiguration` */
  kind(fields: Fields, versions: readonly string[]): void {
    const said = `${fields['apiVersion'] ?? ''} ${fields['kind'] ?? ''}`
    if (!versions.includes(said))
      this.wrong.push({
        field: 'apiVersion',
        reason: 'FieldValueNotSupported',
        message: `the file is ${JSON.stringify(said.trim())}; it must be one of ${versions.join(', ')}`,
      })
  }

  add(...errors: FieldError[]): void {
    this.wrong.push(...errors)
  }

  /** @throws BadConfiguration */
  done(): void {
    if (this.wrong.length === 0) return
    throw new BadConfiguration(this.wrong.map(({ field, message }) => `${field}: ${message}`).join('; '))
  }
}

export const join = (at: string, field: string): string => (at ? `${at}.${field}` : field)
