/**
 * `next`, in which every part that says the same as that part of `like` is that part itself: what two objects have in common
 * is kept in memory once. Values are equal before and after, order of fields included. Changes `next`; afterwards nobody may
 * change either.
 */
export function withSharedParts<T>(next: T, like: unknown): T {
  return part(next, like) as T
}

/** The names of the objects of `like` that are looked at now, outermost first: an array of its own for each would be garbage by the kilobyte. */
const names: string[] = []
let named = 0

function part(next: unknown, like: unknown): unknown {
  if (next === like) return like
  if (typeof next !== 'object' || typeof like !== 'object' || next === null || like === null) return next
  if (Array.isArray(next)) return Array.isArray(like) ? list(next, like) : next
  return Array.isArray(like) ? next : fields(next as Record<string, unknown>, like as Record<string, unknown>)
}

function list(next: unknown[], like: unknown[]): unknown[] {
  let equal = next.length === like.length
  const fixed = Object.isFrozen(next)
  for (let i = 0; i < next.length && i < like.length; i++) {
    const shared = part(next[i], like[i])
    if (shared !== like[i]) equal = false
    if (!fixed) next[i] = shared
  }
  return equal ? like : next
}

function fields(next: Record<string, unknown>, like: Record<string, unknown>): object {
  const fixed = Object.isFrozen(next)
  const first = named
  for (const name in like) names[named++] = name
  const end = named
  let equal = true
  let at = first
  for (const name in next) {
    const inPlace = at < end && names[at] === name
    at++
    // Only its own: of what every object has, nothing is shared.
    const known = inPlace || Object.hasOwn(like, name) ? like[name] : undefined
    const shared = part(next[name], known)
    if (!inPlace || shared !== known) equal = false
    // Of equal texts, too, the older one is kept then.
    if (!fixed && known !== undefined) next[name] = shared
  }
  named = first
  return equal && at === end ? like : next
}
