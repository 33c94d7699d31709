/** Text as one word of HAProxy's configuration: nothing in it has a meaning. */
export function quoted(text: string): string {
  // No header, path or name can hold them, and a line's end would begin another directive.
  const oneLine = text.replace(/\p{Cc}/gu, ' ')
  return `'${oneLine.replaceAll("'", `'\\''`)}'`
}

/** The same where HAProxy looks for variables, as in the values of headers. */
export const literal = (text: string): string => quoted(text.replaceAll('%', '%%'))

/** Text in a comment. */
export const comment = (text: string): string => text.replace(/[^\w ./:-]/g, '_')

/** Escaped for a regular expression. */
export const exactly = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** What RE2 and PCRE2 understand alike: a pattern that HAProxy refuses would stop the changes of everybody. */
export const isPlainPattern = (source: string): boolean =>
  /^(?:[\w\-./,:=@~ ^|*+?()[\]{}]|\\[dDwWsS.\-/+*?()[\]{}|^$])*$/.test(source)
