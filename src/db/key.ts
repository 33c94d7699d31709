import { type Key, StoreFailed } from './store.ts'

/** Longest key, in UTF-16 units; Kubernetes' own are below 600. */
export const longestKey = 4096

/** Below zero, zero or above: the order of the keys' UTF-8 bytes, which differs from JavaScript's for characters beyond U+FFFF. */
export function compareKeys(a: Key, b: Key): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for characters beyond U+FFFF, so they sort after U+E000…U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** The first key after all that start with `prefix`; undefined when there is none such. */
export function prefixEnd(prefix: Key): Key | undefined {
  const points = Array.from(prefix, character => character.codePointAt(0)!)
  while (points.length) {
    const last = points.pop()!
    if (last === 0x10ffff) continue
    points.push(last === 0xd7ff ? 0xe000 : last + 1)
    return String.fromCodePoint(...points)
  }
  return undefined
}

/** @throws StoreFailed for a key that some engine could not keep as it is */
export function checkKey(key: Key): void {
  const wrong =
    key.length === 0
      ? 'is empty'
      : key.length > longestKey
        ? `is longer than ${longestKey} characters`
        : key.includes('\0')
          ? 'contains a zero character'
          : /\p{Surrogate}/u.test(key)
            ? 'is not well-formed Unicode'
            : undefined
  if (wrong) throw new StoreFailed(`key ${JSON.stringify(key.slice(0, 80))} ${wrong}`)
}
