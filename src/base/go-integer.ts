/**
 * What Go says of a text that is no integer of 64 bits, which clients read behind `strconv.ParseInt: `.
 * @param signed false: of one that must not be negative
 * @returns undefined if it is such an integer
 * @see https://pkg.go.dev/strconv#ParseInt
 */
export function integerProblem(text: string, signed: boolean): string | undefined {
  const shown = `parsing ${JSON.stringify(text)}: `
  if (!(signed ? /^[+-]?\d+$/ : /^\d+$/).test(text)) return `${shown}invalid syntax`
  const value = BigInt(text.replace(/^\+/, ''))
  const fits = signed ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value
  return fits ? undefined : `${shown}value out of range`
}
