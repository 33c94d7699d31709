import type { Difference } from './differences.ts'
import { knownReason } from './known.ts'
import type { Case } from './program.ts'

interface Group {
  cause: string
  count: number
  /** The first few requests that it was seen with. */
  examples: { what: string; difference: Difference }[]
}

const examplesShown = 2

/** What one program found. */
export class Report {
  readonly #groups = new Map<string, Group>()
  readonly #known = new Map<string, number>()
  #compared = 0
  #differing = 0

  add({ what }: Pick<Case, 'what'>, differences: Difference[]): void {
    this.#compared++
    const open = differences.filter(difference => {
      const reason = knownReason(what, difference)
      if (reason) this.#known.set(reason, (this.#known.get(reason) ?? 0) + 1)
      return !reason
    })
    if (open.length) this.#differing++
    for (const difference of open) {
      const group = this.#groups.get(difference.cause) ?? { cause: difference.cause, count: 0, examples: [] }
      this.#groups.set(difference.cause, group)
      group.count++
      if (group.examples.length < examplesShown) group.examples.push({ what, difference })
    }
  }

  /** `4,121 compared, 85 differing` */
  get summary(): string {
    return `${this.#compared.toLocaleString('en')} compared, ${this.#differing.toLocaleString('en')} differing`
  }

  /** The most frequent causes first, then what is known and intended. */
  get text(): string {
    const groups = [...this.#groups.values()].sort((a, b) => b.count - a.count)
    const lines = groups.flatMap(({ cause, count, examples }) => [
      `${count} × ${cause}`,
      ...examples.flatMap(({ what, difference }) => [
        `    ${what}`,
        `      ours        ${oneLine(difference.ours)}`,
        `      Kubernetes  ${oneLine(difference.theirs)}`,
      ]),
    ])
    const known = [...this.#known].map(([reason, count]) => `${count} × intended: ${reason}`)
    return [...lines, ...known].join('\n')
  }
}

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ⏎ ')
