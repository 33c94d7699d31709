/** Most letters that a misspelt word is off. */
const mostOff = 2

/** Those of `words` that somebody may have meant who wrote `word`: at most two letters off, the closest first. Pure. */
export function closeWords(word: string, words: Iterable<string>): string[] {
  return [...new Set(words)]
    .map(known => ({ known, off: distance(known, word) }))
    .filter(({ off }) => off <= mostOff)
    .sort((a, b) => a.off - b.off)
    .map(({ known }) => known)
}

/** Letters to add, drop or change. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > mostOff) return mostOff + 1
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
