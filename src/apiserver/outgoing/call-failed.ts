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

const texts: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

/**
 * What an answer that is not a success says about itself, in the words of Kubernetes' client.
 * @param contentType only of a text, and of what names no type, is the body shown
 */
export function answerText(
  status: number,
  body: Buffer,
  { location, 'content-type': contentType = '' }: { location?: string; 'content-type'?: string },
): string {
  if (status >= 300 && status < 400)
    return `the server answered ${status} with a redirect, which is not followed${location ? `: ${JSON.stringify(location.slice(0, longestText))}` : ''}`
  const said = statusMessage(body)
  if (said) return said
  if (texts[status]) return texts[status]
  const isText = contentType === '' || contentType.startsWith('text/')
  const text = isText ? body.toString().trim().slice(0, longestText) : 'unknown'
  if (status === 403 || status === 415) return text
  if (status === 406)
    return text && text !== 'unknown'
      ? text
      : 'the server was unable to respond with a content type that the client supports'
  if (status >= 500) return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
  return `the server responded with the status code ${status} but did not return more information`
}

/** The message of a Status, if that is what the body is. */
function statusMessage(body: Buffer): string | undefined {
  if (body[0] !== 0x7b) return undefined
  try {
    const { kind, apiVersion, status, message } = JSON.parse(body.toString()) as Record<string, unknown>
    const isFailure = kind === 'Status' && apiVersion === 'v1' && status !== 'Success'
    return isFailure && typeof message === 'string' ? message.slice(0, longestText) : undefined
  } catch {
    return undefined
  }
}
