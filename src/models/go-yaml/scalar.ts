import { looksLikeOther } from './resolve.ts'

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal'

/** Texts of most fields: they begin with a letter that begins no word of YAML, and have nothing in them that means something. */
const harmless = /^[a-eg-mp-su-xzA-EG-MP-SU-XZ/][\w./-]*$/
/** Read as text, but with no harm in any place: digits and `true`-like words are told by `looksLikeOther`. */
const noIndicators = /^[\w./][\w./-]*$/

/** @returns how a text is written where it may have lines of its own, and, for a key, where it may not */
export function styleOf(text: string, asKey: boolean): ScalarStyle {
  if (harmless.test(text)) return 'plain'
  if (noIndicators.test(text) && !text.startsWith('...')) return looksLikeOther(text) ? 'double' : 'plain'
  const form = analyze(text)
  if (asKey && form.multiline) return 'double'
  if (text.includes('\n')) return form.blockAllowed && !asKey ? 'literal' : 'double'
  if (looksLikeOther(text)) return 'double'
  if (form.plainAllowed) return 'plain'
  return form.singleAllowed ? 'single' : 'double'
}

/** Whether a key fits into a line: it has no line breaks and is not long. */
export function isSimpleKey(text: string): boolean {
  return text.length <= 128 && !lineBreak.test(text) && (text.length < 43 || utf8Length(text) <= 128)
}

const lineBreak = /[\n\r\u0085\u2028\u2029]/
/** What is written as it is: no tab, no control character, nothing beyond the first plane. */
const special = /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/

interface Form {
  multiline: boolean
  plainAllowed: boolean
  singleAllowed: boolean
  blockAllowed: boolean
}

function analyze(text: string): Form {
  const multiline = lineBreak.test(text)
  const isSpecial = special.test(text)
  const edges = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/.test(text)
  const breakSpace = multiline && /[\n\r\u0085\u2028\u2029] /.test(text)
  const spaceBreak = multiline && / [\n\r\u0085\u2028\u2029]/.test(text)
  const none = spaceBreak || isSpecial
  return {
    multiline,
    plainAllowed: !(none || edges || breakSpace || multiline || hasIndicators(text)),
    singleAllowed: !(none || breakSpace),
    blockAllowed: !(none || text.endsWith(' ')),
  }
}

/** Whether without quotes something in a text would be taken for YAML. */
function hasIndicators(text: string): boolean {
  return (
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:-](?:[ \t]|$)/.test(text) ||
    /.:(?:[ \t]|$)/s.test(text) ||
    // A comment begins after a blank.
    /[ \t\n\r\u0085\u2028\u2029]#/.test(text)
  )
}

export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) length += code >= 0x800 && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return length
}
