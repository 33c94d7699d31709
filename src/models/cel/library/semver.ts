import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { Opaque } from '../values/value.ts'
import { reads } from './costs.ts'
import { fn, library, method } from './function.ts'

const { bool, int, string } = cel
const typeName = 'kubernetes.Semver'
const semver = cel.opaque(typeName)
const form = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/

/** A version, ordered as semver.org 2.0 says. */
export class Semver extends Opaque {
  readonly typeName = typeName
  readonly text: string
  readonly numbers: readonly bigint[]
  readonly pre: readonly string[]

  private constructor(text: string, numbers: bigint[], pre: string[]) {
    super()
    this.text = text
    this.numbers = numbers
    this.pre = pre
  }

  static parse(text: string): Semver | undefined {
    const found = form.exec(text)
    return found ? new Semver(text, found.slice(1, 4).map(BigInt), found[4]?.split('.') ?? []) : undefined
  }

  compare(other: Semver): number {
    for (const [i, number] of this.numbers.entries())
      if (number !== other.numbers[i]) return number < other.numbers[i]! ? -1 : 1
    return comparePre(this.pre, other.pre)
  }

  equals(other: Opaque): boolean {
    return this.compare(other as Semver) === 0
  }

  override toString(): string {
    return this.text
  }
}

/** A version with something after its numbers comes before the one without. */
function comparePre(a: readonly string[], b: readonly string[]): number {
  if (!a.length || !b.length) return b.length - a.length
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]]
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    if (x === y) continue
    const [nx, ny] = [x, y].map(part => (/^\d+$/.test(part) ? BigInt(part) : undefined))
    if (nx !== undefined && ny !== undefined) return nx < ny ? -1 : 1
    if (nx !== undefined || ny !== undefined) return nx !== undefined ? -1 : 1
    return x < y ? -1 : 1
  }
  return 0
}

const parse = (text: string): Semver => Semver.parse(text) ?? fail(`${JSON.stringify(text)} is not a semantic version`)
const two = [semver, semver]

/** Versions of devices: `semver("1.2.3").isLessThan(semver("2.0.0"))`. Only selectors of devices have these in Kubernetes 1.32. */
export const semverFunctions = library({
  semver: [fn('string_to_semver', [string], semver, parse, reads(0))],
  isSemver: [fn('is_semver_string', [string], bool, (text: string) => Semver.parse(text) !== undefined, reads(0))],
  isLessThan: [method('semver_is_less_than', two, bool, (a: Semver, b: Semver) => a.compare(b) < 0)],
  isGreaterThan: [method('semver_is_greater_than', two, bool, (a: Semver, b: Semver) => a.compare(b) > 0)],
  compareTo: [method('semver_compare_to', two, int, (a: Semver, b: Semver) => BigInt(a.compare(b)))],
  major: [method('semver_major', [semver], int, ({ numbers }: Semver) => numbers[0]!)],
  minor: [method('semver_minor', [semver], int, ({ numbers }: Semver) => numbers[1]!)],
  patch: [method('semver_patch', [semver], int, ({ numbers }: Semver) => numbers[2]!)],
})
