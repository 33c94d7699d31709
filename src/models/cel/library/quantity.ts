import { type Amount, formatQuantity, InvalidQuantity, parseQuantity } from '../../../base/quantity.ts'
import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { maxInt } from '../values/time.ts'
import { Opaque } from '../values/value.ts'
import { reads } from './costs.ts'
import { fn, library, method } from './function.ts'

const { bool, int, double, string } = cel
const typeName = 'kubernetes.Quantity'
const quantity = cel.opaque(typeName)
const nanosPerUnit = 1_000_000_000n

/** An amount of a resource, such as `1.5Gi`. */
export class Quantity extends Opaque {
  readonly typeName = typeName
  readonly amount: Amount
  constructor(amount: Amount) {
    super()
    this.amount = amount
  }
  equals(other: Opaque): boolean {
    return this.amount.nano === (other as Quantity).amount.nano
  }
  override toString(): string {
    return formatQuantity(this.amount)
  }
  get isInteger(): boolean {
    const { nano } = this.amount
    const whole = nano / nanosPerUnit
    return nano % nanosPerUnit === 0n && whole <= maxInt && whole >= -maxInt - 1n
  }
}

function amountOf(text: string): Amount | InvalidQuantity {
  try {
    return parseQuantity(text)
  } catch (error) {
    if (error instanceof InvalidQuantity) return error
    throw error
  }
}

/** @throws when an expression runs: what it says then is its error */
export function parseQuantityValue(text: string): Quantity {
  const amount = amountOf(text)
  return amount instanceof InvalidQuantity ? fail(amount.message) : new Quantity(amount)
}

const added = ({ amount: { nano, format } }: Quantity, more: bigint): Quantity =>
  new Quantity({ nano: nano + more, format })
const order = (a: Quantity, b: Quantity): bigint =>
  a.amount.nano < b.amount.nano ? -1n : a.amount.nano > b.amount.nano ? 1n : 0n
const sign = ({ amount }: Quantity): bigint => (amount.nano > 0n ? 1n : amount.nano < 0n ? -1n : 0n)
const toFloat = ({ amount: { nano } }: Quantity): number =>
  Number(nano / nanosPerUnit) + Number(nano % nanosPerUnit) / Number(nanosPerUnit)

const two = [quantity, quantity]

/** Amounts of resources: `quantity("1Gi").isGreaterThan(quantity("1G"))`. */
export const quantityFunctions = library({
  quantity: [fn('string_to_quantity', [string], quantity, parseQuantityValue, reads(0))],
  isQuantity: [
    fn('is_quantity_string', [string], bool, (text: string) => !(amountOf(text) instanceof InvalidQuantity), reads(0)),
  ],
  sign: [fn('quantity_sign', [quantity], int, sign), method('quantity_sign_method', [quantity], int, sign)],
  isGreaterThan: [method('quantity_is_greater_than', two, bool, (a: Quantity, b: Quantity) => order(a, b) > 0n)],
  isLessThan: [method('quantity_is_less_than', two, bool, (a: Quantity, b: Quantity) => order(a, b) < 0n)],
  compareTo: [method('quantity_compare_to', two, int, order)],
  asApproximateFloat: [method('quantity_get_float', [quantity], double, toFloat)],
  asInteger: [
    method('quantity_get_int', [quantity], int, (a: Quantity) =>
      a.isInteger ? a.amount.nano / nanosPerUnit : fail('cannot convert value to integer'),
    ),
  ],
  isInteger: [method('quantity_is_integer', [quantity], bool, (a: Quantity) => a.isInteger)],
  add: [
    method('quantity_add', two, quantity, (a: Quantity, b: Quantity) => added(a, b.amount.nano)),
    method('quantity_add_int', [quantity, int], quantity, (a: Quantity, b: bigint) => added(a, b * nanosPerUnit)),
  ],
  sub: [
    method('quantity_sub', two, quantity, (a: Quantity, b: Quantity) => added(a, -b.amount.nano)),
    method('quantity_sub_int', [quantity, int], quantity, (a: Quantity, b: bigint) => added(a, -b * nanosPerUnit)),
  ],
})
