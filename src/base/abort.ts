/** What `promise` gives, or the signal's reason as soon as it aborts: one listener, however much is waited for. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * Aborts `controller`, for the same reason, as soon as `signal` aborts. For work that comes again and again, instead of
 * AbortSignal.any: what that makes is kept by Node for ever if it aborts while somebody listens (2 KB, and what the reason holds).
 * @returns ends that; to be called when the work is over
 */
export function followAbort(controller: AbortController, signal: AbortSignal): () => void {
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}
