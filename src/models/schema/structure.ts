import { type FieldError, notSupported, required } from '../field-error.ts'
import { type Field, type ObjectType, type Type, typeNamed } from './types.ts'

type Checker = (value: any, at: Place, errors: FieldError[]) => void

const compiled = new Map<ObjectType, Checker | undefined>()

/** Types whose values Kubernetes checks otherwise: statuses are the system's, of stateful pods each is checked itself, and selectors of nodes in other words. */
const unchecked = (type: ObjectType) => type.name.endsWith('Status') || otherwise.has(type.name)
const otherwise = new Set(['core/v1.NodeSelectorRequirement', 'apps/v1.StatefulSetSpec'])

/** Groups whose kinds check their enumerations themselves: in the order and in the words in which Kubernetes does. */
const ownChecks = new Set([
  'core/v1',
  'apps/v1',
  'networking/v1',
  'storage/v1',
  'storage/v1beta1',
  'scheduling/v1',
  'discovery/v1',
  'batch/v1',
  'policy/v1',
])

/** Fields whose kinds take less than the schema lists. */
const ownFields = new Set(
  ['MutatingWebhook', 'ValidatingWebhook'].map(type => `admissionregistration/v1.${type}.sideEffects`),
)

/** Enumerations that do not take '' for nothing: whoever writes it means it. */
const neverEmpty = new Set([
  ...['MutatingWebhook', 'ValidatingWebhook'].flatMap(type =>
    ['failurePolicy', 'matchPolicy', 'reinvocationPolicy'].map(field => `admissionregistration/v1.${type}.${field}`),
  ),
  'admissionregistration/v1.MatchResources.matchPolicy',
  'admissionregistration/v1.ValidatingAdmissionPolicySpec.failurePolicy',
  'admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec.validationActions',
])

/**
 * Refusals that follow from the schema alone: values outside an enumeration, and, for kinds of our own, missing required
 * fields. What Kubernetes' own kinds require beyond that is in the kinds' validation.
 */
export function validateStructure(schema: string, object: object): FieldError[] {
  const errors: FieldError[] = []
  checkerOf(typeNamed(schema))?.(object, [], errors)
  return errors
}

/** The way to a value: `.spec`, `.containers`, 0. Its text is only put together for a refusal. */
type Place = (string | number)[]

const pathText = (at: Place): string =>
  at
    .map(step => (typeof step === 'number' ? `[${step}]` : step))
    .join('')
    .slice(1)

function checkAt(check: Checker, value: unknown, at: Place, step: string | number, errors: FieldError[]): void {
  at.push(step)
  check(value, at, errors)
  at.pop()
}

function checkerOf(type: Type, refusesEmpty = false): Checker | undefined {
  if (type.form === 'scalar') {
    const allowed = type.enum
    if (!allowed) return undefined
    const set = new Set<unknown>([undefined, null, ...(refusesEmpty ? [] : ['']), ...allowed])
    return (value, at, errors) => {
      if (!set.has(value)) errors.push(notSupported(pathText(at), value, allowed))
    }
  }
  if (type.form === 'list') {
    const each = checkerOf(type.of, refusesEmpty)
    return (
      each &&
      ((list: unknown[], at, errors) => {
        for (let i = 0; i < list.length; i++) checkAt(each, list[i], at, i, errors)
      })
    )
  }
  if (type.form === 'map') {
    const each = checkerOf(type.of)
    return (
      each &&
      ((map, at, errors) => {
        for (const [key, value] of Object.entries(map)) checkAt(each, value, at, `[${key}]`, errors)
      })
    )
  }
  if (!compiled.has(type)) {
    compiled.set(type, undefined)
    compiled.set(type, compileObject(type))
  }
  return compiled.get(type)
}

const isOfScalars = (type: Type): boolean =>
  type.form === 'scalar' || ((type.form === 'list' || type.form === 'map') && isOfScalars(type.of))

function compileObject(type: ObjectType): Checker | undefined {
  if (unchecked(type)) return undefined
  const below: [name: string, step: string, checker: Checker][] = []
  const missing: Field[] = []
  const own = ownChecks.has(type.groupVersion)
  for (const field of type.fields.values()) {
    const path = `${type.name}.${field.name}`
    const isTheirs = (own && isOfScalars(field.type)) || ownFields.has(path)
    const checker = isTheirs ? undefined : checkerOf(field.type, neverEmpty.has(path))
    if (checker) below.push([field.name, `.${field.name}`, checker])
    if (type.own && field.required && field.name !== 'items') missing.push(field)
  }
  if (below.length === 0 && missing.length === 0) return undefined
  return (object, at, errors) => {
    for (const { name } of missing)
      if (object[name] === undefined || object[name] === '') errors.push(required(pathText([...at, `.${name}`])))
    for (const [name, step, checker] of below)
      if (object[name] !== undefined && object[name] !== null) checkAt(checker, object[name], at, step, errors)
  }
}
