import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, goQuote, invalid, required } from '../../field-error.ts'
import type { ServiceReference, WebhookClientConfig } from '../../types/admissionregistration-v1.ts'

/** Where a webhook is called: one of an https URL and a Service. */
export function checkClient(field: string, client: WebhookClientConfig | undefined): FieldError[] {
  const { url, service } = client ?? {}
  if ((url === undefined) === (service === undefined))
    return [required(field, 'exactly one of url or service is required')]
  return url === undefined ? checkService(`${field}.service`, service!) : checkUrl(`${field}.url`, url)
}

/** Kubernetes takes the name for the namespace here, and the other way round: its refusals name the other field. */
function checkService(at: string, { name, namespace, port = 443, path = '' }: ServiceReference): FieldError[] {
  const errors: FieldError[] = []
  if (!namespace) errors.push(required(`${at}.name`, 'service name is required'))
  if (!name) errors.push(required(`${at}.namespace`, 'service namespace is required'))
  if (port < 1 || port > 65_535)
    errors.push(invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'))
  if (path === '' || path === '/') return errors
  const wrong = (text: string) => void errors.push(invalid(`${at}.path`, path, text))
  if (path === '//') wrong('segment[0] may not be empty')
  else {
    if (!path.startsWith('/')) wrong("must start with a '/'")
    for (const [i, step] of path.slice(1).replace(/\/$/, '').split('/').entries())
      if (step === '') wrong(`segment[${i}] may not be empty`)
      else for (const failure of isDns1123Subdomain(step)) wrong(`segment[${i}]: ${failure}`)
  }
  return errors
}

const form = 'desired format: https://host[/path]'

function checkUrl(field: string, text: string): FieldError[] {
  const url = parseGoUrl(text)
  if (typeof url === 'string') return [required(field, `url must be a valid URL: ${url}; ${form}`)]
  const errors: FieldError[] = []
  if (url.scheme !== 'https') errors.push(invalid(field, url.scheme, `'https' is the only allowed URL scheme; ${form}`))
  if (!url.host) errors.push(invalid(field, url.host, `host must be specified; ${form}`))
  if (url.user !== undefined) errors.push(invalid(field, url.user, 'user information is not permitted in the URL'))
  if (url.fragment) errors.push(invalid(field, url.fragment, 'fragments are not permitted in the URL'))
  if (url.query) errors.push(invalid(field, url.query, 'query parameters are not permitted in the URL'))
  return errors
}

interface UrlParts {
  scheme: string
  host: string
  user: string | undefined
  query: string
  fragment: string
}

/** The parts of a URL as Go's parser splits it, which takes more than a browser does; or what it refuses. */
function parseGoUrl(text: string): UrlParts | string {
  const refused = (why: string) => `parse ${goQuote(text)}: ${why}`
  if (/\p{Cc}/u.test(text)) return refused('net/url: invalid control character in URL')
  const broken = /%(?![0-9a-fA-F]{2})(.{0,2})/.exec(text)
  if (broken) return refused(`invalid URL escape ${goQuote(broken[0])}`)
  if (text.startsWith(':')) return refused('missing protocol scheme')
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text)
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts ?? []
  if (!scheme && !authority && /^[^/]*:/.test(path)) return refused('first path segment in URL cannot contain colon')
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const port = /:([^\]:]*)$/.exec(host)
  if (port && !/^\d*$/.test(port[1]!)) return refused(`invalid port ${goQuote(`:${port[1]}`)} after host`)
  const space = / /.test(host) ? refused(`invalid character " " in host name`) : undefined
  if (space) return space
  return { scheme: scheme.toLowerCase(), host, user: at < 0 ? undefined : authority.slice(0, at), query, fragment }
}
