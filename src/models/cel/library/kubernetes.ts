import { conversions } from './conversions.ts'
import { merged } from './function.ts'
import { operators } from './operators.ts'
import { standard } from './standard.ts'

/** What every expression has. */
export const coreLibrary = merged([operators, conversions, standard])

/** The functions that Kubernetes 1.32 has. */
export const kubernetesLibrary = merged([coreLibrary])
