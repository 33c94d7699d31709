import {
  authorizerType,
  CelCompileError,
  type CelEnvironment,
  type CelProgram,
  type CelType,
  cel,
  compileCel,
  jsonPatchType,
  patchTypes,
  resourceCheckType,
} from '../../cel/index.ts'
import type { ParamKind, Variable } from '../../types/admissionregistration-v1.ts'

const strings = cel.list(cel.string)
const texts = cel.map(cel.string, cel.string)
const kindType = cel.object('kubernetes.GroupVersionKind', { group: cel.string, version: cel.string, kind: cel.string })
const resourceType = cel.object('kubernetes.GroupVersionResource', {
  ...{ group: cel.string, version: cel.string, resource: cel.string },
})

/** `request`: an AdmissionRequest without its objects. */
export const admissionRequestType = cel.declared('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: cel.string,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: cel.string,
  name: cel.string,
  namespace: cel.string,
  operation: cel.string,
  userInfo: cel.object('kubernetes.UserInfo', {
    ...{ username: cel.string, uid: cel.string, groups: strings, extra: cel.map(cel.string, strings) },
  }),
  dryRun: cel.bool,
  options: cel.dyn,
})

const conditionType = cel.object('kubernetes.NamespaceCondition', {
  ...{ status: cel.string, type: cel.string, message: cel.string, reason: cel.string },
  lastTransitionTime: cel.timestamp,
})

/** `namespaceObject`: a Namespace without what only the system needs. */
export const namespaceObjectType = cel.object('kubernetes.Namespace', {
  metadata: cel.declared('kubernetes.NamespaceMetadata', {
    ...{ name: cel.string, generateName: cel.string, namespace: cel.string, labels: texts, annotations: texts },
    ...{ UID: cel.string, creationTimestamp: cel.timestamp, deletionGracePeriodSeconds: cel.int },
    ...{ deletionTimestamp: cel.timestamp, generation: cel.int, resourceVersion: cel.string, finalizers: strings },
  }),
  spec: cel.object('kubernetes.NamespaceSpec', { finalizers: strings }),
  status: cel.object('kubernetes.NamespaceStatus', { conditions: cel.list(conditionType), phase: cel.string }),
})

/** What the objects that an expression looks at are known to be; anything unless given. */
export interface PolicyTypes {
  object?: CelType
  params?: CelType
}

/** What decides what the expressions of a policy may name. */
export interface PolicyScope {
  paramKind?: ParamKind | undefined
  variables?: Variable[] | undefined
}

/** What a mutation makes: an object that is merged into the other as server-side apply would, or operations on it. */
export type PatchType = 'ApplyConfiguration' | 'JSONPatch'

/** An expression that is ready to run, or why it is not. */
export type Compiled = CelProgram | CelCompileError

export function compiled(expression: string, environment: CelEnvironment): Compiled {
  try {
    return compileCel(expression, environment)
  } catch (error) {
    if (error instanceof CelCompileError) return error
    throw error
  }
}

/** The expressions of one policy: each may use the variables before it. */
export class PolicyExpressions {
  /** In order. One that does not compile is of no known type to the others. */
  readonly variables: { name: string; program: Compiled }[] = []
  readonly #known: Record<string, CelType>
  readonly #authorizer = { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType }

  /** @param stored for expressions that are written now: the texts of those that are not new; without it all are stored */
  constructor(
    { paramKind, variables = [] }: PolicyScope,
    { object = cel.dyn, params = cel.dyn }: PolicyTypes = {},
    stored?: ReadonlySet<string>,
  ) {
    this.#stored = stored
    this.#known = {
      object,
      oldObject: object,
      request: admissionRequestType,
      namespaceObject: namespaceObjectType,
      ...(paramKind ? { params } : {}),
    }
    this.#composed = variables.length > 0
    const fields: Record<string, CelType> = {}
    for (const { name, expression } of variables) {
      const program = this.#compiled(expression, this.#environment(undefined, { ...fields }))
      this.variables.push({ name, program })
      fields[name] = program instanceof CelCompileError ? cel.dyn : program.resultType
    }
    this.#fields = fields
  }

  readonly #fields: Record<string, CelType>
  readonly #stored: ReadonlySet<string> | undefined
  readonly #composed: boolean

  #compiled(expression: string, environment: CelEnvironment): Compiled {
    const fresh = this.#stored !== undefined && !this.#stored.has(expression)
    return compiled(expression, fresh ? { ...environment, fresh } : environment)
  }

  /** What must be of one of the types. */
  compile(expression: string, result: CelEnvironment['result']): Compiled {
    return this.#compiled(expression, this.#environment(result, this.#fields))
  }

  /** A message may not ask whether somebody may do something. */
  compileMessage(expression: string): Compiled {
    const { variables } = this.#environment(cel.string, this.#fields)
    const names = Object.entries(variables).filter(([name]) => !name.startsWith('authorizer'))
    return this.#compiled(expression, { variables: Object.fromEntries(names), result: cel.string })
  }

  /** A mutation builds the type that its kind of patch is made of. */
  compileMutation(expression: string, patchType: PatchType): Compiled {
    const types = patchTypes(expression)
    const environment = this.#environment(undefined, this.#fields)
    const result = patchType === 'JSONPatch' ? cel.list(jsonPatchType) : types.get('Object')!
    return this.#compiled(expression, { ...environment, types, result })
  }

  /** A condition comes before all variables. */
  compileCondition(expression: string): Compiled {
    return this.#compiled(expression, { variables: { ...this.#known, ...this.#authorizer }, result: cel.bool })
  }

  #environment(result: CelEnvironment['result'], fields: Record<string, CelType>): CelEnvironment {
    // A policy that has none knows no word for them.
    const own: Record<string, CelType> = this.#composed ? { variables: cel.object('kubernetes.variables', fields) } : {}
    const variables = { ...this.#known, ...this.#authorizer, ...own }
    return result === undefined ? { variables } : { variables, result }
  }
}
