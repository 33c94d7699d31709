import { OptiFlowError } from '../base/errors.ts'

/** A setting has a value that cannot be used. */
export class BadSetting extends OptiFlowError {}
