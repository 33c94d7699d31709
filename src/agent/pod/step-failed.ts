import { OptiFlowError } from '../../base/errors.ts'

/** A step for a pod failed; what was tried is tried again later. */
export class StepFailed extends OptiFlowError {
  /** The waiting reason that users see. */
  readonly reason: string
  /** The volume that it failed for, where containers are told: those that mount it wait for the same reason. */
  readonly volume?: string
  constructor(reason: string, message: string, options: { cause?: unknown; volume?: string } = {}) {
    super(message, options)
    this.reason = reason
    if (options.volume !== undefined) this.volume = options.volume
  }
}
