import { authorizerFunctions } from './authorizer.ts'
import { conversions } from './conversions.ts'
import { encoders } from './encoders.ts'
import { formatFunctions } from './format.ts'
import { merged } from './function.ts'
import { listFunctions, setFunctions } from './lists.ts'
import { mathFunctions } from './math.ts'
import { cidrFunctions, ipFunctions } from './network.ts'
import { operators } from './operators.ts'
import { optionals } from './optionals.ts'
import { quantityFunctions } from './quantity.ts'
import { regexFunctions } from './regex.ts'
import { semverFunctions } from './semver.ts'
import { specified } from './specification.ts'
import { standard } from './standard.ts'
import { reversal, stringFunctions } from './strings.ts'
import { urlFunctions } from './url.ts'

/** The functions that Kubernetes 1.32 has. */
export const kubernetesLibrary = merged([
  operators,
  conversions,
  standard,
  optionals,
  stringFunctions,
  listFunctions,
  setFunctions,
  regexFunctions,
  quantityFunctions,
  ipFunctions,
  cidrFunctions,
  urlFunctions,
  formatFunctions,
  authorizerFunctions,
])

/** Those and versions: what selectors of devices may use. */
export const deviceLibrary = merged([kubernetesLibrary, semverFunctions])

/** Those and the extensions of the language that Kubernetes leaves out. */
export const extendedLibrary = merged([specified, kubernetesLibrary, reversal, mathFunctions, encoders])
