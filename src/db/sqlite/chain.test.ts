import { describe, expect, it } from 'vitest'
import { jumpLength, nextJump } from './chain.ts'

interface Link {
  previous: number
  jump: number
}

/** As `then.ts` does it in SQL: from a change after `limit` the last position of the same key that is not after it; 0 if there is none. */
function stepBack(from: Link, limit: number, linkAt: (position: number) => Link): number {
  for (let link = from; ; ) {
    const next = link.jump > limit ? link.jump : link.previous
    if (next <= limit) return next
    link = linkAt(next)
  }
}

/** A chain of `n` changes at positions 10, 20, 30 … */
function chain(n: number): Map<number, Link> {
  const links = new Map<number, Link>()
  lengthen(links, 1, n)
  return links
}

/** With the changes from the `from`th to the `to`th; what is known of the landings is lost now and then, as when a process ends. */
function lengthen(links: Map<number, Link>, from: number, to: number): void {
  let landings: number[] = []
  for (let i = from; i <= to; i++) {
    const previous = (i - 1) * 10
    if (i === from || i % 37 === 0) landings = [links.get(previous)?.jump ?? 0]
    const jump = nextJump(i, previous, landings, p => links.get(p)?.jump ?? 0)
    links.set(i * 10, { previous, jump })
  }
}

describe('a chain of changes', () => {
  it('jumps back by what its number says', () => {
    expect(Array.from({ length: 15 }, (_, i) => jumpLength(i + 1))).toEqual([
      1, 1, 3, 1, 1, 3, 7, 1, 1, 3, 1, 1, 3, 7, 15,
    ])
    for (const [position, { jump }] of chain(2000)) expect(jump).toBe(position - jumpLength(position / 10) * 10)
  })

  it('leads to the last change at or before any position', () => {
    const n = 400
    const links = chain(n)
    for (let from = 2; from <= n; from++)
      for (const limit of [0, 5, 10, 15, 10 * (from >> 1), from * 10 - 10, from * 10 - 1])
        expect(stepBack(links.get(from * 10)!, limit, p => links.get(p)!)).toBe(Math.floor(limit / 10) * 10)
  })

  it('is short to walk', () => {
    const n = 100_000
    const links = chain(n)
    let steps = 0
    for (let i = 1; i < 1000; i++)
      stepBack(links.get(n * 10)!, i * 997, p => {
        steps++
        return links.get(p)!
      })
    expect(steps / 1000).toBeLessThan(40)
  })

  it('never leads to what is no longer kept, as long as one looks for what is', () => {
    const n = 500
    const links = chain(n)
    const oldest = 3050
    for (const position of [...links.keys()]) if (position < oldest) links.delete(position)
    lengthen(links, n + 1, n + 300)
    for (let limit = oldest; limit < (n + 300) * 10; limit += 7)
      expect(stepBack(links.get((n + 300) * 10)!, limit, p => links.get(p)!)).toBe(Math.floor(limit / 10) * 10)
  })
})
