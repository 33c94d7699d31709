import { CelCompileError, type CelType } from '../../cel/index.ts'
import { groupVersionOf } from '../../group-version.ts'
import type { ExpressionWarning, ParamKind, ValidatingAdmissionPolicy } from '../../types/admissionregistration-v1.ts'
import { PolicyExpressions } from './policy-expressions.ts'

/** A kind of objects that a policy may be asked about. */
export interface CheckedKind {
  group: string
  version: string
  kind: string
  type: CelType
}

/** Where the kinds are known from. */
export interface KnownKinds {
  byResource(group: string, version: string, plural: string): CheckedKind | undefined
  byKind(group: string, version: string, kind: string): CheckedKind | undefined
}

/** Kinds that one policy is checked for at most. */
const mostKinds = 10

/** What is wrong with the expressions of a policy for the kinds that it names; it works all the same. */
export function typeWarnings({ spec }: ValidatingAdmissionPolicy, known: KnownKinds): ExpressionWarning[] {
  const params = spec.paramKind && paramType(spec.paramKind, known)
  const checks = checkedKinds(spec.matchConstraints?.resourceRules ?? [], known).map(kind => ({
    kind,
    expressions: new PolicyExpressions(spec, { object: kind.type, ...(params ? { params } : {}) }),
  }))
  const warn = (fieldRef: string, expression: string | undefined): ExpressionWarning[] => {
    if (!expression) return []
    const texts = checks.flatMap(({ kind, expressions }) => {
      const program = expressions.compile(expression, undefined)
      if (!(program instanceof CelCompileError)) return []
      return [
        `${kind.group}/${kind.version}, Kind=${kind.kind}: ${program.message.replace('compilation failed: ', '')}\n`,
      ]
    })
    return texts.length ? [{ fieldRef, warning: texts.join('\n') }] : []
  }
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, i) => [
    ...warn(`spec.validations[${i}].expression`, expression),
    ...warn(`spec.validations[${i}].messageExpression`, messageExpression),
  ])
}

function paramType({ apiVersion = '', kind = '' }: ParamKind, known: KnownKinds): CelType | undefined {
  const { group, version } = groupVersionOf(apiVersion)
  return known.byKind(group, version, kind)?.type
}

interface Rule {
  apiGroups?: string[]
  apiVersions?: string[]
  resources?: string[]
}

/** Those that rules name outright: a star names none. */
function checkedKinds(rules: Rule[], known: KnownKinds): CheckedKind[] {
  const found = new Map<string, CheckedKind>()
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some(name => name.includes('*'))) continue
    for (const group of apiGroups)
      for (const version of apiVersions)
        for (const plural of resources.filter(name => !/[*/]/.test(name))) {
          const kind = known.byResource(group, version, plural)
          if (kind) found.set(`${group}/${version}/${kind.kind}`, kind)
        }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, kind]) => kind)
    .slice(0, mostKinds)
}
