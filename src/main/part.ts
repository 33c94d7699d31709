/** One part of a cluster as it comes up, for the one line that a person reads about it. */
export interface PartReport {
  part: string
  state: 'starting' | 'ready' | 'failed'
  detail: string
}

export type Report = (report: PartReport) => void

/** Reports `part` as starting, runs `work`, and reports what `work` says about itself, or its failure. */
export async function asPart<T>(
  report: Report,
  part: string,
  starting: string,
  work: () => Promise<[T, string]>,
): Promise<T> {
  report({ part, state: 'starting', detail: starting })
  try {
    const [result, detail] = await work()
    report({ part, state: 'ready', detail })
    return result
  } catch (error) {
    report({ part, state: 'failed', detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
}
