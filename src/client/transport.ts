import { OptiFlowError } from '../base/errors.ts'
import type { ApiReply } from '../models/rest.ts'
import { unreachableHint } from './unreachable-hint.ts'

/** One request on its way to the API server. */
export interface TransportRequest {
  method: string
  /** Path and query: `/api/v1/pods?watch=1`. */
  url: string
  /** Lower-case names. */
  headers: Record<string, string>
  body?: Uint8Array | string
  signal?: AbortSignal
  /** The reply is a stream that may be silent for minutes (a watch, followed logs). */
  stream?: boolean
}

/** How a client reaches the API. Replies of any status resolve; only not getting one rejects, with ServerUnreachable. */
export interface Transport extends AsyncDisposable {
  send(request: TransportRequest): Promise<ApiReply>
}

/** No answer from the API server: nothing is known about whether a write happened. Worth a retry. */
export class ServerUnreachable extends OptiFlowError {
  readonly server: string
  /** @param options.advice what else the one who asked should know */
  constructor(server: string, options: { cause?: unknown; advice?: string } = {}) {
    const { cause, advice } = options
    super(`no answer from the API server at ${server}`, {
      cause,
      hint: [unreachableHint(server, cause), ...(advice ? [advice] : [])].join(' '),
    })
    this.server = server
  }
}
