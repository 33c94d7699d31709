import { type FieldError, invalid } from '../../../models/field-error.ts'
import type { Level } from './check.ts'

/** How strict, and by the rules of which version of Kubernetes. */
export interface LevelVersion {
  level: Level
  /** `latest`, or a minor version: 25 is v1.25. */
  version: 'latest' | number
}

export const modes = ['enforce', 'audit', 'warn'] as const
export type Policy = Record<(typeof modes)[number], LevelVersion>

export const privileged: LevelVersion = { level: 'privileged', version: 'latest' }
export const openPolicy: Policy = { enforce: privileged, audit: privileged, warn: privileged }

const levels: Level[] = ['privileged', 'baseline', 'restricted']
const prefix = 'pod-security.kubernetes.io/'

/** `restricted:latest`, `baseline:v1.25` */
export const policyText = ({ level, version }: LevelVersion): string =>
  `${level}:${version === 'latest' ? version : `v1.${version}`}`

/** Below, equal or above zero as `a` is less, as or more strict than `b`. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b)

interface Said {
  policy: Policy
  errors: FieldError[]
}

const kept = new WeakMap<Record<string, string>, { defaults: Policy; policy: Policy }>()

/** The same for labels that never change, those of a namespace as it is kept: every pod of it asks. */
export function policyOfKept(labels: Record<string, string> | undefined, defaults: Policy): Readonly<Policy> {
  if (!labels) return defaults
  let known = kept.get(labels)
  if (known?.defaults !== defaults) kept.set(labels, (known = { defaults, policy: policyOf(labels, defaults).policy }))
  return known.policy
}

/** What a namespace's labels say. A label that cannot be read means the strictest level, or, where nothing is refused, none. */
export function policyOf(labels: Record<string, string> | undefined, defaults: Policy): Said {
  // The defaults of several modes may be one object: each mode gets its own.
  const policy: Policy = { enforce: { ...defaults.enforce }, audit: { ...defaults.audit }, warn: { ...defaults.warn } }
  const errors: FieldError[] = []
  const read = <T>(label: string, known: T, parse: (text: string) => T | undefined, otherwise: T, why: string): T => {
    const text = labels?.[prefix + label]
    if (text === undefined) return known
    const value = parse(text)
    if (value === undefined) errors.push(invalid(`metadata.labels[${prefix}${label}]`, text, why))
    return value ?? otherwise
  }
  for (const mode of modes) {
    const own = policy[mode]
    const fallback: Level = mode === 'enforce' ? 'restricted' : 'privileged'
    own.level = read(mode, own.level, levelOf, fallback, `must be one of ${levels.join(', ')}`)
    own.version = read(`${mode}-version`, own.version, versionOf, 'latest', 'must be "latest" or "v1.x"')
  }
  const enforced = labels?.[`${prefix}enforce`]
  const warnSaid = labels?.[`${prefix}warn`] !== undefined
  // Who enforces more than he warns of means to warn of it too.
  if (
    !warnSaid &&
    enforced !== undefined &&
    levelOf(enforced) &&
    compareLevels(policy.enforce.level, policy.warn.level) > 0
  ) {
    policy.warn.level = policy.enforce.level
    if (labels?.[`${prefix}warn-version`] === undefined) policy.warn.version = policy.enforce.version
  }
  return { policy, errors }
}

/** @returns undefined for what is no level */
export const levelOf = (text: string): Level | undefined => levels.find(level => level === text)

/** `latest`, `v1.25`. @returns undefined for anything else */
export function versionOf(text: string): 'latest' | number | undefined {
  if (text === 'latest') return text
  const found = /^v1\.(0|[1-9]\d{0,8})$/.exec(text)
  return found ? Number(found[1]) : undefined
}
