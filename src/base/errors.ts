/**
 * What every error of ours can say to a person: what failed (message), why (cause, unrepeated), and one thing to do (hint).
 * Rooms subclass it, one class for each thing that a caller would do differently.
 */
export class OptiFlowError extends Error {
  /** One thing to do about it, as a sentence. */
  readonly hint: string | undefined

  constructor(message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.hint = options.hint
  }
}

/** What first went wrong, when closing something afterwards went wrong too. */
export function firstFailure(error: unknown): unknown {
  let first = error
  while (first instanceof Error && first.name === 'SuppressedError')
    first = (first as Error & { suppressed: unknown }).suppressed
  return first
}

/** `a: b: c` down the chain of causes, each said once. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (
    let e = firstFailure(error);
    e !== undefined && e !== null && parts.length < 8;
    e = (e as { cause?: unknown }).cause
  ) {
    const text = e instanceof Error ? e.message : String(e)
    if (!parts.some(p => p.includes(text))) parts.push(text)
  }
  return parts.join(': ')
}

/** True for the rejection that an aborted signal causes. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: string }).code === 'ABORT_ERR')
}

/** The system's error code, such as ENOENT, if there is one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
