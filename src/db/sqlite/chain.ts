/*
 * The changes of one key form a chain, each pointing to the one before. So that a change far back is found in some 2 log2(n)
 * steps (`then.ts`), each also points to one further back, chosen by its number alone (Myers, "An applicative random-access stack",
 * 1983). That costs one integer in a row that is written anyway, where an index would cost a page of its own per commit.
 */

/**
 * How many changes the jump of the `n`th change (n ≥ 1) goes back: the last part when n is written as a sum of numbers
 * 2^k - 1, each time the largest possible. 1, 1, 3, 1, 1, 3, 7, 1, …
 */
export function jumpLength(n: number): number {
  let rest = n
  for (;;) {
    const part = 2 ** Math.floor(Math.log2(rest + 1)) - 1
    if (part === rest) return part
    rest -= part
  }
}

/**
 * Where the jump of the `n`th change goes.
 * @param previous position of the change before; 0 for the first
 * @param landings where one lands who jumps from the change before, and from there again and again, the first one last; as many as
 *   are known, at least one. Becomes that of the `n`th change.
 * @param jumpOf reads the jump of the change at a position; 0 if that is no longer kept
 */
export function nextJump(
  n: number,
  previous: number,
  landings: number[],
  jumpOf: (position: number) => number,
): number {
  if (n < 3 || jumpLength(n) === 1) landings.push(previous)
  else {
    const first = landings.pop()!
    if (landings.length === 0) landings.push(first && jumpOf(first))
  }
  return landings.at(-1)!
}
