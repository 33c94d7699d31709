import { OptiFlowError } from '../../base/errors.ts'

/** One thing that is wrong with a source text. */
export interface CelIssue {
  message: string
  /** From 1. */
  line: number
  /** From 1, in characters. */
  column: number
}

/** An expression that does not compile. The message is the one that Kubernetes shows: `compilation failed: ERROR: <input>:1:3: …`. */
export class CelCompileError extends OptiFlowError {
  readonly issues: readonly CelIssue[]

  constructor(message: string, issues: readonly CelIssue[] = []) {
    super(message, { hint: 'Correct the expression.' })
    this.issues = issues
  }
}

/** An expression that failed while it ran: `no such key: x`, `division by zero`. */
export class CelRuntimeError extends OptiFlowError {}

/** An expression that was stopped because it cost more than it may. */
export class CelCostExceeded extends OptiFlowError {
  constructor() {
    super('operation cancelled: actual cost limit exceeded', { hint: 'Make the expression look at less.' })
  }
}

/**
 * A failure on its way through an evaluation, where `||` and `&&` may still swallow it: no Error, because a loop may make
 * a hundred thousand of them and stack traces are dear.
 */
export class Failure {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export function fail(message: string): never {
  throw new Failure(message)
}
