import { type Outcome, type Story, type Trouble, tell } from './story.ts'

export interface Divergence {
  trouble: Trouble
  /** What is not as without the trouble. */
  differences: string[]
}

export interface Exploration {
  story: string
  /** Writes of the controllers when nothing goes wrong. */
  writes: number
  points: number
  divergences: Divergence[]
}

/** All troubles worth trying in a story in which controllers write so often. */
export function allTroubles(writes: number): Trouble[] {
  const late: Trouble[] = [700, 3_000, 7_000].map(lateMs => ({ kind: 'late', lateMs }))
  const points = Array.from({ length: writes }, (_, i) => i + 1)
  return [
    ...late,
    ...points.flatMap((after): Trouble[] => [
      { kind: 'crash', after },
      { kind: 'blind', after, forMs: 3_000, skipping: false },
      { kind: 'blind', after, forMs: 12_000, skipping: true },
      { kind: 'past', after, back: 4, forMs: 6_000 },
      { kind: 'twin', after, forMs: 12_000 },
    ]),
  ]
}

/**
 * Tells a story without trouble, and then once with each: everything must be the same in the end, nothing may come or go more often.
 * @param choose of all troubles those to try; all unless given
 */
export async function explore(story: Story, choose: (all: Trouble[]) => Trouble[] = all => all): Promise<Exploration> {
  const reference = await tell(story)
  const troubles = choose(allTroubles(reference.writes))
  const divergences: Divergence[] = []
  for (const trouble of troubles) {
    const differences = await tell(story, trouble).then(
      outcome => compare(reference, outcome),
      error => [String(error)],
    )
    if (differences.length) divergences.push({ trouble, differences })
  }
  return { story: story.name, writes: reference.writes, points: troubles.length, divergences }
}

function compare(reference: Outcome, outcome: Outcome): string[] {
  const differences = describe(minus(reference.end, outcome.end), minus(outcome.end, reference.end))
  for (const [id, { created, deleted }] of outcome.accounts) {
    const expected = reference.accounts.get(id) ?? { created: 0, deleted: 0 }
    if (created > expected.created) differences.push(`${id} was created ${created} times, not ${expected.created}`)
    if (deleted > expected.deleted) differences.push(`${id} was deleted ${deleted} times, not ${expected.deleted}`)
  }
  return differences
}

/** What is in `lines` more often than in `others`. */
function minus(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

/** Lines that are alike for longest are taken for one object, and shown from where they differ. */
function describe(missing: readonly string[], surplus: readonly string[]): string[] {
  const left = [...surplus]
  const told = missing.map(line => {
    const best = left.reduce((a, b) => (common(line, a) >= common(line, b) ? a : b), '')
    const at = common(line, best)
    if (at < alike) return `missing: ${line}`
    left.splice(left.indexOf(best), 1)
    const name = /"name":"[^"]*","namespace"/.exec(line)?.[0] ?? line.slice(0, 80)
    const around = (text: string) => text.slice(Math.max(at - 60, 0), at + 120)
    return `${line.split(' ')[0]} ${name}: not\n  …${around(line)}\nbut\n  …${around(best)}`
  })
  return [...told, ...left.map(line => `too much: ${line}`)]
}

/** Characters at the beginning that two lines share if they are about one object. */
const alike = 40

function common(a: string, b: string): number {
  let n = 0
  while (n < a.length && a[n] === b[n]) n++
  return n
}

/** For people: how much was tried, and the first things that were different. */
export function report({ story, writes, points, divergences }: Exploration): string {
  const head = `${story}: ${writes} writes, ${points} troubles, ${divergences.length} divergences`
  const first = divergences
    .slice(0, 3)
    .map(d => `${JSON.stringify(d.trouble)}\n${d.differences.slice(0, 4).join('\n')}`)
  return [head, ...first].join('\n')
}
