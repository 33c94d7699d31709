/** gRPC's own. @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** How a call failed. */
export class GrpcFailed extends Error {
  readonly code: number
  /** Nobody answered, or the connection broke: the server itself has not said this. */
  readonly lost: boolean
  constructor(code: number, details: string, lost = false) {
    super(details)
    this.code = code
    this.lost = lost
  }
}

/** How a call ended, by the headers that the server sent last; undefined: well. */
export function failureOf(headers: ReadonlyMap<string, string>): GrpcFailed | undefined {
  const code = headers.get('grpc-status')
  if (code === '0') return undefined
  if (code !== undefined) return new GrpcFailed(Number(code), plain(headers.get('grpc-message') ?? ''))
  const status = headers.get(':status')
  const what = status && status !== '200' ? `HTTP status ${status}` : 'the server ended the call without a word'
  return new GrpcFailed(/^50[234]$/.test(status ?? '') ? grpcStatus.UNAVAILABLE : grpcStatus.UNKNOWN, what)
}

/** What is not ASCII is written as percent signs and hexadecimal. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
