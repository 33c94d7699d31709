interface Aged {
  metadata: { creationTimestamp?: string; name: string }
}

/** Oldest first; ties, as timestamps are whole seconds, by name, so that the order is always the same. */
export function byAge(a: Aged, b: Aged): number {
  return (
    compareTexts(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
    compareTexts(a.metadata.name, b.metadata.name)
  )
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
