/** Who asks, once authenticated. */
export interface UserInfo {
  username: string
  uid?: string
  groups: string[]
  extra?: Record<string, string[]>
}

/**
 * One request to the API, whichever way it came. The HTTP listener makes one from the wire; the in-process transport
 * makes one directly, with `user` already known.
 */
export interface ApiRequest {
  /** GET, POST, PUT, PATCH, DELETE, … */
  method: string
  /** Path and query, as on the wire: `/api/v1/pods?watch=1`. */
  url: string
  /** Lower-case names. */
  headers: Record<string, string | undefined>
  /** Names and values in turn, as they came: `headers` joins those of one name with commas, which values may hold too. */
  rawHeaders?: readonly string[]
  body?: Uint8Array
  /** Fetches `body` from the network: only for who may ask what he asks. @throws ApiError when it is too large, or the client went away */
  receive?(): Promise<void>
  /** Instead of `body`, where it is only passed on. */
  bodyStream?: AsyncIterable<Uint8Array>
  /** Set by a trusted transport; else the server authenticates from `headers` and `peerCertificate`. */
  user?: UserInfo
  /** DER of the verified client certificate, if one came: of the authority that signs users. */
  peerCertificate?: Uint8Array
  /** The same of the authority that signs those who may speak for others; never a user by itself. */
  frontProxyCertificate?: Uint8Array
  /** Address of the client, for logs. */
  remoteAddress?: string
  /** Aborts when the client went away. */
  signal: AbortSignal
}

export interface ApiReply {
  status: number
  headers: Record<string, string | string[]>
  /** A stream for watches and followed logs. */
  body: Uint8Array | AsyncIterable<Uint8Array>
}

/** The whole API as one function: what the listener calls, and the in-process client. Never rejects: errors are replies. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiReply>
