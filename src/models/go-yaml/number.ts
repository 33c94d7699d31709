/** A number as Go's YAML writes it: whole ones in digits as long as 64 bits hold them, others in their shortest form. */
export function numberText(value: number | bigint): string {
  if (typeof value === 'bigint') {
    const fits = value >= -(1n << 63n) && value < 1n << 64n
    return fits ? String(value) : floatText(Number(value))
  }
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value)
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return numberText(BigInt(value))
  return floatText(value)
}

/** Go's `%g` of the shortest digits: an exponent below -4 and from 6 digits before the point on, of two digits at least. */
function floatText(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  // JavaScript writes no exponent of its own in these bounds.
  if (power >= -4 && power < 6) return String(value)
  const digits = String(Math.abs(power)).padStart(2, '0')
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`
}
