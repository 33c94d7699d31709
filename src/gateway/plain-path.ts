/** `.` and `..` as they are, or as servers read them. */
const step = /\/(?:\.|%2e){1,2}(?=\/|$)/i

/**
 * Path and query without steps that lead back. What a route matches is what its backend answers: `/open/../admin` would be
 * let through by the rules for `/open`, and understood as `/admin`.
 * @param url begins with `/`
 * @see RFC 3986, section 5.2.4
 */
export function plainPath(url: string): string {
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  if (!step.test(path)) return url
  const kept: string[] = []
  const steps = path.split('/').slice(1)
  for (const [i, each] of steps.entries()) {
    const plain = each.replace(/%2e/gi, '.')
    const leads = plain === '.' || plain === '..'
    if (plain === '..') kept.pop()
    if (!leads) kept.push(each)
    else if (i === steps.length - 1) kept.push('')
  }
  return `/${kept.join('/')}${end < 0 ? '' : url.slice(end)}`
}
