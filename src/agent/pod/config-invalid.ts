import { OptiFlowError } from '../../base/errors.ts'

/** The container cannot be made from its definition; people read the message as CreateContainerConfigError. */
export class ContainerConfigInvalid extends OptiFlowError {}
