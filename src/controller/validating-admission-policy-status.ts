import type { Cache, Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { type CelSchema, cel, celTypeOfKind, celTypeOfSchema } from '../models/cel/index.ts'
import type { Kind } from '../models/kind.ts'
import {
  type CheckedKind,
  type KnownKinds,
  typeWarnings,
} from '../models/kinds/admissionregistration/policy-type-check.ts'
import { builtinKinds, CustomResourceDefinition, ValidatingAdmissionPolicy } from '../models/kinds/index.ts'

/** Says in a policy's status what its expressions get wrong about the kinds that it names. */
export function validatingAdmissionPolicyStatusReconciler(): Reconciler {
  return {
    name: 'validating-admission-policy-status',
    primary: ValidatingAdmissionPolicy,
    // Looked at, but a definition that changes later is no reason to check again.
    watches: [{ kind: CustomResourceDefinition, keys: () => [] }],
    writes: [{ kind: ValidatingAdmissionPolicy, part: 'status' }],
    async reconcile(key, { cache, client }) {
      const policy = cache.get(ValidatingAdmissionPolicy, key)
      if (!policy || policy.metadata.deletionTimestamp) return
      const { generation } = policy.metadata
      if (policy.status?.typeChecking && policy.status.observedGeneration === generation) return
      const expressionWarnings = typeWarnings(policy, knownKinds(cache))
      const typeChecking = expressionWarnings.length ? { expressionWarnings } : {}
      const status = { ...policy.status, ...(generation ? { observedGeneration: generation } : {}), typeChecking }
      try {
        await client.updateStatus(ValidatingAdmissionPolicy, { ...policy, status })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

/** Built-in kinds by their schemas, custom ones by their definitions. */
function knownKinds(cache: Cache): KnownKinds {
  const find = (group: string, version: string, is: (names: { plural: string; kind: string }) => boolean) =>
    builtIn(group, version, is) ?? custom(cache, group, version, is)
  return {
    byResource: (group, version, plural) => find(group, version, names => names.plural === plural),
    byKind: (group, version, kind) => find(group, version, names => names.kind === kind),
  }
}

type IsWanted = (names: { plural: string; kind: string }) => boolean

function builtIn(group: string, version: string, is: IsWanted): CheckedKind | undefined {
  const found: Kind<any> | undefined = builtinKinds.find(k => k.group === group && k.version === version && is(k))
  return found && { group, version, kind: found.kind, type: celTypeOfKind(found.schema) }
}

function custom(cache: Cache, group: string, version: string, is: IsWanted): CheckedKind | undefined {
  const { spec } = cache.list(CustomResourceDefinition).find(d => d.spec.group === group && is(d.spec.names)) ?? {}
  const schema = spec?.versions.find(v => v.name === version)?.schema?.openAPIV3Schema
  if (!spec || !schema) return undefined
  const type = celTypeOfSchema(schema as CelSchema, { root: true }) ?? cel.dyn
  return { group, version, kind: spec.names.kind, type }
}
