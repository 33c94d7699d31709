import { type CelType, cel, typeText } from '../types.ts'

/** What the variables of signatures stand for, by name. */
export type Bindings = Map<string, CelType>

export const isDyn = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error'

export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  if ('name' in a) return a.name === (b as typeof a).name
  const left = parametersOf(a)
  const right = parametersOf(b)
  return left.length === right.length && left.every((type, i) => sameType(type, right[i]!))
}

function parametersOf(type: CelType): readonly CelType[] {
  switch (type.kind) {
    case 'list':
    case 'optional':
    case 'wrapper':
    case 'type':
      return [type.of]
    case 'map':
      return [type.key, type.of]
    default:
      return []
  }
}

/** Each known variable replaced by what it stands for; the others by `dyn` if `open` is false. */
export function substitute(bindings: Bindings, type: CelType, open = true): CelType {
  switch (type.kind) {
    case 'param': {
      const bound = bindings.get(type.name)
      if (bound) return substitute(bindings, bound, open)
      return open ? type : cel.dyn
    }
    case 'list':
    case 'optional':
    case 'type': {
      const of = substitute(bindings, type.of, open)
      return of === type.of ? type : { ...type, of }
    }
    case 'map': {
      const key = substitute(bindings, type.key, open)
      const of = substitute(bindings, type.of, open)
      return key === type.key && of === type.of ? type : { ...type, key, of }
    }
    default:
      return type
  }
}

/** True if `a` says no more than `b` does: `dyn` says nothing. */
function saysLess(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true
  if (b.kind === 'dyn' || b.kind === 'param') return false
  if (a.kind !== b.kind) return false
  if (a.kind === 'type') return true
  const right = parametersOf(b)
  const left = parametersOf(a)
  return left.length === 0 ? sameType(a, b) : left.every((type, i) => saysLess(type, right[i]!))
}

export const mostGeneral = (a: CelType, b: CelType): CelType => (saysLess(a, b) ? a : b)

function occurs(bindings: Bindings, name: string, within: CelType): boolean {
  if (within.kind === 'param') {
    if (within.name === name) return true
    const bound = bindings.get(within.name)
    return bound !== undefined && occurs(bindings, name, bound)
  }
  return parametersOf(within).some(type => occurs(bindings, name, type))
}

/** Lets the variable stand for the type, too, if it can. */
function bindTo(
  bindings: Bindings,
  type: CelType,
  variable: Extract<CelType, { kind: 'param' }>,
): 'yes' | 'no' | 'bound' {
  if (sameType(type, variable)) return 'yes'
  const bound = bindings.get(variable.name)
  if (bound) {
    if (sameType(type, bound)) return 'yes'
    if (!fits(bindings, type, bound)) return 'bound'
    const general = mostGeneral(type, bound)
    if (!occurs(bindings, variable.name, general)) bindings.set(variable.name, general)
    return 'yes'
  }
  if (occurs(bindings, variable.name, type)) return 'no'
  bindings.set(variable.name, type)
  return 'yes'
}

const nullable = new Set(['opaque', 'object', 'optional', 'duration', 'timestamp', 'wrapper', 'null'])

/** True if a value of type `given` may stand where `wanted` is asked for; what variables stand for is noted. */
export function fits(bindings: Bindings, given: CelType, wanted: CelType): boolean {
  if (wanted.kind === 'param') {
    const outcome = bindTo(bindings, given, wanted)
    if (outcome !== 'no') return outcome === 'yes'
  }
  if (given.kind === 'param') return bindTo(bindings, wanted, given) === 'yes'
  if (isDyn(given) || isDyn(wanted)) return true
  if (given.kind === 'null') return nullable.has(wanted.kind)
  if (wanted.kind === 'null') return nullable.has(given.kind)
  if (given.kind === 'wrapper' || wanted.kind === 'wrapper')
    return fits(bindings, given.kind === 'wrapper' ? given.of : given, wanted.kind === 'wrapper' ? wanted.of : wanted)
  if (given.kind !== wanted.kind) return false
  if (given.kind === 'type') return true
  if ('name' in given) return given.name === (wanted as typeof given).name
  const right = parametersOf(wanted)
  return parametersOf(given).every((type, i) => fits(bindings, type, right[i]!))
}

/** As `fits` for each pair; notes nothing unless all fit. */
export function allFit(bindings: Bindings, given: readonly CelType[], wanted: readonly CelType[]): boolean {
  if (given.length !== wanted.length) return false
  const trial: Bindings = new Map(bindings)
  if (!given.every((type, i) => fits(trial, type, wanted[i]!))) return false
  for (const [name, type] of trial) bindings.set(name, type)
  return true
}

/** `(int, string)`, or `string.(int)` for a method. */
export function signatureText(types: readonly CelType[], method: boolean): string {
  const texts = types.map(typeText)
  return method ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`
}
