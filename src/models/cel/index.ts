export { CelCompileError, CelCostExceeded, type CelIssue, CelRuntimeError, fail as celFailure } from './errors.ts'
export { celTypeOfKind } from './kind-type.ts'
export {
  type AskAuthorizer,
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  authorizerType,
  authorizerValue,
  requestResource,
  resourceCheckType,
} from './library/authorizer.ts'
export { deviceLibrary } from './library/kubernetes.ts'
export { parseQuantityValue as celQuantity } from './library/quantity.ts'
export { Semver as CelSemver } from './library/semver.ts'
export { jsonPatchType, patchTypes, typeNameFaults } from './patch-types.ts'
export { type CelCost, type CelEnvironment, type CelProgram, compileCel } from './program.ts'
export { type CelSchema, celTypeOfSchema } from './schema-type.ts'
export { textsIn as storedTexts } from './stored-texts.ts'
export { type CelType, cel, escapeName, typeText } from './types.ts'
export { Lazy as CelLazy, toJson as celToJson } from './values/json.ts'
export { EntryMap as CelEntryMap, Mapping as CelMapping, type Value as CelValue } from './values/value.ts'
