const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  name: string
  low: number
  high: number
  words?: string[]
}

const fields: Field[] = [
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day of month', low: 1, high: 31 },
  { name: 'month', low: 1, high: 12, words: months },
  { name: 'day of week', low: 0, high: 6, words: days },
]

/**
 * The five fields of a cron expression as Kubernetes reads them, each as what any cron library reads alike: `*`, or its values one by one.
 * A field with a star in its list is a star (then only the other of the two fields of days counts), `?` is a star, and `10/5` goes on to the end.
 * @throws RangeError in the words of Kubernetes
 */
export function plainCron(text: string): string {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== 5) throw new RangeError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`)
  return parts.map((part, i) => plainField(part, fields[i]!)).join(' ')
}

function plainField(part: string, field: Field): string {
  const values = new Set<number>()
  let star = false
  for (const range of part.split(',').filter(r => r !== '')) {
    const { from, to, step, all } = readRange(range, field)
    star ||= all
    for (let n = from; n <= to; n += step) values.add(n)
  }
  return star ? '*' : [...values].sort((a, b) => a - b).join()
}

function readRange(range: string, field: Field): { from: number; to: number; step: number; all: boolean } {
  const { name, low, high } = field
  const [ends = '', stepText, more] = range.split('/')
  if (more !== undefined) throw new RangeError(`too many slashes: ${range}`)
  const step = stepText === undefined ? 1 : number(stepText)
  if (!(step > 0)) throw new RangeError(`step of range should be a positive number: ${range}`)
  const [first = '', last, extra] = ends.split('-')
  if (extra !== undefined) throw new RangeError(`too many hyphens: ${range}`)
  if (first === '*' || first === '?') return { from: low, to: high, step, all: step === 1 }
  const from = readValue(first, field)
  const to = last !== undefined ? readValue(last, field) : stepText === undefined ? from : high
  if (Number.isNaN(from) || Number.isNaN(to)) throw new RangeError(`failed to parse ${name} from ${range}`)
  if (from < low) throw new RangeError(`beginning of range (${from}) below minimum (${low}): ${range}`)
  if (to > high) throw new RangeError(`end of range (${to}) above maximum (${high}): ${range}`)
  if (from > to) throw new RangeError(`beginning of range (${from}) beyond end of range (${to}): ${range}`)
  return { from, to, step, all: false }
}

function readValue(text: string, { low, words }: Field): number {
  const word = words?.indexOf(text.toLowerCase()) ?? -1
  return word >= 0 ? word + low : number(text)
}

const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : Number.NaN)
