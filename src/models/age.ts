interface Aged {
  metadata: { creationTimestamp?: string; namespace?: string; name: string }
}

/** Oldest first; ties, as timestamps are whole seconds, by namespace and name, so that the order is always the same. */
export function byAge({ metadata: a }: Aged, { metadata: b }: Aged): number {
  return (
    compareTexts(a.creationTimestamp ?? '', b.creationTimestamp ?? '') ||
    compareTexts(a.namespace ?? '', b.namespace ?? '') ||
    compareTexts(a.name, b.name)
  )
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
