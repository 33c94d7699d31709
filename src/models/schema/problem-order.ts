/** What a text says twice and what nobody knows, as Kubernetes orders them; each begins with `unknown field "PATH"` or the like. */
export interface TextProblems {
  /** Unknown fields, in the order in which they were met. */
  unknown: readonly string[]
  /** Of JSON `duplicate field "PATH"` each, of YAML one text for all. */
  duplicates: readonly string[]
}

/**
 * Built-in kinds are read from JSON in one go, so all stands in the order of the text, and what is not known is not said to be there
 * twice. YAML, patches and custom resources are read first as texts, then by their schema, whose complaints are sorted.
 * @param value what was decoded
 */
export function problemsInOrder(custom: boolean, value: unknown, { unknown, duplicates }: TextProblems): string[] {
  if (custom) return [...duplicates, ...sortedOfCustom(unknown)]
  if (duplicates.length === 0) return [...unknown]
  if (duplicates[0]!.startsWith(yamlPrefix)) return [...duplicates, ...unknown.toSorted()]
  const known = duplicates.filter(duplicate => !unknown.includes(duplicate.replace('duplicate', 'unknown')))
  return inTextOrder(value, [...unknown, ...known])
}

const yamlPrefix = 'yaml: unmarshal errors:\n'

/** Each as a warning of its own. */
export function asWarnings(problems: readonly string[]): string[] {
  return problems.flatMap(problem =>
    problem.startsWith(yamlPrefix)
      ? problem
          .slice(yamlPrefix.length)
          .split('\n')
          .map(line => line.trim())
      : [problem],
  )
}

/** Those of embedded objects' metadata are found last. */
function sortedOfCustom(unknown: readonly string[]): string[] {
  const isEmbedded = (problem: string) => problem.includes('.metadata.')
  const sorted = unknown.toSorted()
  return [...sorted.filter(problem => !isEmbedded(problem)), ...sorted.filter(isEmbedded)]
}

/** Where fields stand among their neighbours, level by level; a field that is there twice stands where it was first. */
export function inTextOrder(value: unknown, problems: string[]): string[] {
  const places = new Map<object, Map<string, number>>()
  const placeOf = (parent: object, key: string): number => {
    let known = places.get(parent)
    if (!known) places.set(parent, (known = new Map(Object.keys(parent).map((name, i) => [name, i]))))
    return known.get(key) ?? known.size
  }
  const vectorOf = (problem: string): number[] => {
    const vector: number[] = []
    let at: unknown = value
    for (const step of stepsOf(problem)) {
      if (typeof at !== 'object' || at === null) break
      vector.push(placeOf(at, step))
      at = (at as Record<string, unknown>)[step]
    }
    return vector
  }
  return problems
    .map(problem => ({ problem, vector: vectorOf(problem) }))
    .sort((a, b) => compare(a.vector, b.vector))
    .map(({ problem }) => problem)
}

/** `duplicate field "spec.ports[0].port"` → spec, ports, 0, port */
function stepsOf(problem: string): string[] {
  const quoted = /"(?:[^"\\]|\\.)*"$/s.exec(problem)?.[0]
  if (quoted === undefined) return []
  return (JSON.parse(quoted) as string).split(/\.|\[|\]\.?/).filter(step => step !== '')
}

function compare(a: number[], b: number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
