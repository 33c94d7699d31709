import { OptiFlowError } from '../../base/errors.ts'

/** A step for a pod failed; what was tried is tried again later. */
export class StepFailed extends OptiFlowError {
  /** The waiting reason that users see. */
  readonly reason: string
  constructor(reason: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.reason = reason
  }
}
