/** Flags as Go's programs take them: `--name=value`, `--name value`, `--switch`; a name may come several times. */
export class Flags {
  readonly #values = new Map<string, string[]>()
  readonly #read = new Set<string>()

  constructor(args: string[]) {
    for (let at = 0; at < args.length; at++) {
      const [, name, equals, value] = /^--?([^=]+)(=?)(.*)$/s.exec(args[at]!) ?? []
      if (!name) continue
      const next = args[at + 1]
      const apart = !equals && next !== undefined && !next.startsWith('-')
      if (apart) at++
      const given = equals ? value! : apart ? next : 'true'
      this.#values.set(name, [...(this.#values.get(name) ?? []), given])
    }
  }

  /** What was said last. */
  one(name: string): string | undefined {
    this.#read.add(name)
    return this.#values.get(name)?.at(-1)
  }

  /** Everything that was said, commas between. */
  list(name: string): string[] {
    this.#read.add(name)
    return (this.#values.get(name) ?? []).flatMap(text => text.split(',')).filter(text => text !== '')
  }

  /** Names that nobody asked for. */
  unread(): string[] {
    return [...this.#values.keys()].filter(name => !this.#read.has(name))
  }
}
