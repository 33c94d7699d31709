import { codeOf, explain, isAbort, OptiFlowError } from '../../base/errors.ts'
import { ApiError } from '../../models/api-error.ts'

/** A server outside of ours could not be asked, or gave no usable answer. The message is what Kubernetes' clients say. */
export class CallFailed extends OptiFlowError {
  /** The HTTP status, when there was an answer at all. */
  readonly status: number | undefined

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.status = options.status
  }
}

/** The time that the caller gave has passed. */
export class DeadlineExceeded extends OptiFlowError {
  constructor() {
    super('context deadline exceeded')
  }
}

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Why no connection or answer came, in the words that people search for. */
export function networkText(error: unknown, where: string): string {
  if (error instanceof DeadlineExceeded || error instanceof CallFailed || error instanceof ApiError)
    return error.message
  if (isAbort(error)) return 'context canceled'
  const code = codeOf(error) ?? ''
  if (unknownAuthority.has(code))
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: ${explain(error)}`
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    case 'ECONNREFUSED':
      return `dial tcp ${where}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `dial tcp ${where}: connect: no route to host`
    case 'ENETUNREACH':
      return `dial tcp ${where}: connect: network is unreachable`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${where}: no such host`
    case 'ECONNRESET':
      return `read tcp ${where}: connection reset by peer`
    case 'EPROTO':
      return 'http: server gave HTTP response to HTTPS client'
    default:
      return explain(error)
  }
}

const longestText = 512

/** What an answer that is not a success says about itself. */
export function answerText(status: number, body: Buffer, location: string | undefined): string {
  if (status >= 300 && status < 400)
    return `the server answered ${status} with a redirect, which is not followed${location ? `: ${JSON.stringify(location.slice(0, longestText))}` : ''}`
  if (status === 404) return 'the server could not find the requested resource'
  if (status === 503) return 'the server is currently unable to handle the request'
  const text = body.toString().trim().slice(0, longestText)
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text || 'unknown')}) has prevented the request from succeeding`
  return `the server answered ${status}${text ? `: ${text}` : ''}`
}
