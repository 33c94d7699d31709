import { isCIDR, isIPv4, isIPv6 } from '../../base/ip.ts'

/** Formats of strings that are checked; others say nothing. Dashes in a name do not count: `date-time` is `datetime`. */
const checks: Record<string, (text: string) => boolean> = {
  bsonobjectid: text => /^[0-9a-fA-F]{24}$/.test(text),
  byte: text => text !== '' && isBase64(text),
  cidr: isCIDR,
  creditcard: isCreditCard,
  date: text => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text),
  datetime: isDateTime,
  duration: isDuration,
  email: text =>
    text.length <= 320 && /^[^\s@<>()[\],;:\\"]+@[^\s@<>()[\],;:\\"]+$/.test(text.replace(/^[^<>]*<([^<>]+)>$/, '$1')),
  hexcolor: text => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  isbn: text => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  mac: text =>
    /^(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}(?:[0-9a-fA-F]{2}\1){0,2}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4})$/.test(
      text,
    ),
  password: () => true,
  rgbcolor: text =>
    /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/
      .exec(text)
      ?.slice(1)
      .every(n => Number(n) <= 255) ?? false,
  ssn: text => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  uri: isUri,
  uuid: text => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid3: text => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid4: text => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: text => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
}

const normalized = (format: string) => format.replaceAll('-', '')

/** True if the format of a string is one that is checked. */
export const isKnownFormat = (format: string): boolean => Object.hasOwn(checks, normalized(format))

/** Whether a text has a known format; true for unknown ones. */
export function hasFormat(format: string, text: string): boolean {
  return isKnownFormat(format) ? checks[normalized(format)]!(text) : true
}

function isBase64(text: string): boolean {
  const plain = text.replace(/[\r\n]/g, '')
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain)
}

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** The text begins with a day of the calendar. */
function isDay(text: string): boolean {
  const [year, month, day] = [text.slice(0, 4), text.slice(5, 7), text.slice(8, 10)].map(Number) as [
    number,
    number,
    number,
  ]
  if (day < 1 || day > (daysInMonth[month - 1] ?? 0)) return false
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))
}

/** RFC 3339; the seconds may have a fraction. */
function isDateTime(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
  return time.test(text) && isDay(text)
}

/** Go's durations (`1h30m`), and `3 days` in words. */
function isDuration(text: string): boolean {
  if (/^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/.test(text)) return true
  const unit =
    'ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week|nanos?|micros?|millis?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|wks?|weeks?'
  return new RegExp(`^(?:\\d+ *(?:${unit}) *)+$`).test(text)
}

function isHostname(text: string): boolean {
  if (text.length > 255 || !/^[\p{L}\p{S}a-zA-Z0-9.-]+$/u.test(text)) return false
  const labels = text.split('.')
  const label = /^[\p{L}\p{S}a-zA-Z0-9](?:[\p{L}\p{S}a-zA-Z0-9-]{0,61}[\p{L}\p{S}a-zA-Z0-9])?$/u
  if (!labels.every(l => label.test(l))) return false
  return labels.length === 1 || /^[\p{L}a-zA-Z]{2,63}$/u.test(labels.at(-1)!)
}

/** An absolute URI or an absolute path. */
function isUri(text: string): boolean {
  if (/[\s\p{Cc}]/u.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false
  return text.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:.+/.test(text)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  const sum = [...digits].reduce((all, c, i) => all + (10 - i) * (c === 'X' ? 10 : Number(c)), 0)
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{13}$/.test(digits)) return false
  return [...digits].reduce((all, c, i) => all + Number(c) * (i % 2 ? 3 : 1), 0) % 10 === 0
}

/** Digits of a known issuer's form with a right check digit. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  const issuer =
    /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/
  if (!issuer.test(digits)) return false
  const sum = [...digits].reverse().reduce((all, c, i) => {
    const doubled = i % 2 ? Number(c) * 2 : Number(c)
    return all + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}
