import type { FieldError } from '../field-error.ts'

type Step = string | number

/** What a walk over a value has found wrong, where it is, and how much it has found right. */
export class Findings {
  readonly errors: FieldError[] = []
  /** Checks passed: of several schemas that all fail, the one with most is reported. */
  matches = 0
  readonly path: Step[]

  constructor(path: Step[] = []) {
    this.path = path
  }

  /** `spec.items[0].name` */
  get place(): string {
    let text = ''
    for (const step of this.path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
    return text
  }

  get ok(): boolean {
    return this.errors.length === 0
  }

  add(error: FieldError): void {
    if (!this.errors.some(e => e.field === error.field && e.message === error.message)) this.errors.push(error)
  }

  merge(other: Findings): void {
    for (const error of other.errors) this.add(error)
    this.matches += other.matches
  }

  /** Findings about the same place, counted apart. */
  apart(): Findings {
    return new Findings(this.path)
  }
}
