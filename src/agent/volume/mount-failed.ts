import { OptiFlowError } from '../../base/errors.ts'

/** A volume is not ready for its pod; tried again. */
export class MountFailed extends OptiFlowError {
  readonly volume: string
  constructor(volume: string, why: string, options: { cause?: unknown; hint?: string } = {}) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why}`, options)
    this.volume = volume
  }
}
