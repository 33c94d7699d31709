import { explain } from '../../base/errors.ts'
import {
  CelEntryMap,
  CelMapping,
  type CelProgram,
  CelSemver,
  type CelValue,
  celQuantity,
} from '../../models/cel/index.ts'
import { compileDeviceExpression, deviceCostLimit } from '../../models/kinds/resource/device-expression.ts'
import type { BasicDevice, Device, DeviceAttribute } from '../../models/types/resource-v1beta1.ts'

const mostPrograms = 1_000

const programs = new Map<string, CelProgram | string>()
const answers = new WeakMap<Device, Map<string, boolean | string>>()

/**
 * Whether the device is one that the expression means. Remembered for as long as the device stays as it is.
 * @returns the error, if there is one: selectors must not be guessed at
 */
export function selects(expression: string, device: Device, driver: string): boolean | string {
  const known = answers.get(device) ?? new Map<string, boolean | string>()
  answers.set(device, known)
  let answer = known.get(expression)
  if (answer === undefined) known.set(expression, (answer = evaluate(expression, device.basic ?? {}, driver)))
  return answer
}

function evaluate(expression: string, device: BasicDevice, driver: string): boolean | string {
  const program = compiled(expression)
  if (typeof program === 'string') return program
  const bindings = {
    device: {
      driver,
      attributes: byDomain(device.attributes, driver, readAttribute),
      capacity: byDomain(device.capacity, driver, ({ value }) => celQuantity(String(value))),
    },
  }
  try {
    return program.evaluate(bindings, { costLimit: deviceCostLimit }).value === true
  } catch (error) {
    return `CEL runtime error: ${explain(error)}`
  }
}

function compiled(expression: string): CelProgram | string {
  let program = programs.get(expression)
  if (program !== undefined) return program
  try {
    program = compileDeviceExpression(expression, false)
  } catch (error) {
    program = `CEL compile error: ${explain(error)}`
  }
  if (programs.size >= mostPrograms) programs.clear()
  programs.set(expression, program)
  return program
}

/** Names without a domain are of the driver's. */
function byDomain<T>(values: Record<string, T> | undefined, driver: string, read: (value: T) => CelValue): CelMapping {
  const domains = new Domains()
  for (const [name, value] of Object.entries(values ?? {})) {
    const at = name.indexOf('/')
    const domain = domains.open(at < 0 ? driver : name.slice(0, at))
    domain.insert(name.slice(at + 1), read(value))
  }
  return domains
}

/** Of a domain that the device says nothing of, everything is missing: that is no error. */
class Domains extends CelMapping {
  readonly #domains = new Map<string, CelEntryMap>()

  open(domain: string): CelEntryMap {
    const map = this.#domains.get(domain) ?? new CelEntryMap()
    this.#domains.set(domain, map)
    return map
  }

  get size(): number {
    return this.#domains.size
  }

  find(key: CelValue): CelValue | undefined {
    return typeof key === 'string' ? (this.#domains.get(key) ?? new CelEntryMap()) : undefined
  }

  keys(): Iterable<CelValue> {
    return this.#domains.keys()
  }
}

function readAttribute({ bool, int, string, version }: DeviceAttribute): CelValue {
  if (version !== undefined) return CelSemver.parse(version) ?? version
  return bool ?? (int === undefined ? undefined : BigInt(int)) ?? string ?? null
}
