import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { ArrayList, EntryMap, Opaque } from '../values/value.ts'
import { reads } from './costs.ts'
import { fn, library, method } from './function.ts'

const { bool, string } = cel
const url = cel.opaque('kubernetes.URL')

interface Parts {
  scheme: string
  host: string
  path: string
  query: string
}

/** An absolute URL, or an absolute path. */
export class Url extends Opaque {
  readonly typeName = 'kubernetes.URL'
  readonly text: string
  readonly parts: Parts
  constructor(text: string, parts: Parts) {
    super()
    this.text = text
    this.parts = parts
  }
  equals(other: Opaque): boolean {
    return this.text === (other as Url).text
  }
  override toString(): string {
    return this.text
  }
}

/** What follows a # is left out. */
const form = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s
const badEscape = /%(?![0-9A-Fa-f]{2})/
const badHost = /[\s<>"#^`{|}\\]/

/** @returns why the text is no URL, or its parts */
export function parseUrl(text: string): Parts | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL'
  const found = text === '' ? null : form.exec(text)
  if (!found) return 'empty url'
  const [, scheme = '', authority, path = '', query = ''] = found
  if (scheme === '' && (authority !== undefined || !path.startsWith('/'))) {
    if (!text.startsWith('/')) return 'invalid URI for request'
  }
  const host = authority?.slice(authority.lastIndexOf('@') + 1) ?? ''
  if (badHost.test(host)) return 'invalid character in host name'
  if (!/^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/.test(host)) return `invalid port after host`
  if (badEscape.test(host) || badEscape.test(path)) return 'invalid URL escape'
  return { scheme: scheme.toLowerCase(), host, path, query }
}

function parse(text: string): Url {
  const parts = parseUrl(text)
  return typeof parts === 'string'
    ? fail(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${parts}`)
    : new Url(text, parts)
}

const hostname = ({ parts: { host } }: Url): string =>
  host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '')
const port = ({ parts: { host } }: Url): string => /:(\d*)$/.exec(host.slice(host.lastIndexOf(']') + 1))?.[1] ?? ''

/** Characters that may not stand in a path are escaped. */
const escapedPath = ({ parts: { path } }: Url): string =>
  path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@%/[\]]/gu, encodeURIComponent)

function query({ parts }: Url): EntryMap {
  const values = new Map<string, string[]>()
  for (const pair of parts.query.split('&')) {
    if (pair === '' || pair.includes(';') || badEscape.test(pair)) continue
    const [key, value = ''] = pair.split(/=(.*)/s).map(decoded)
    values.set(key!, [...(values.get(key!) ?? []), value])
  }
  const map = new EntryMap()
  for (const [key, all] of values) map.insert(key, new ArrayList(all))
  return map
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** Kubernetes' URLs: `url("https://example.com:80/a").getPort()`. */
export const urlFunctions = library({
  url: [
    fn(
      'string_to_url',
      [string],
      url,
      parse,
      reads(0, undefined, ([text]) => text!.size),
    ),
  ],
  isURL: [fn('is_url_string', [string], bool, (text: string) => typeof parseUrl(text) !== 'string')],
  getScheme: [method('url_get_scheme', [url], string, (of: Url) => of.parts.scheme)],
  getHost: [method('url_get_host', [url], string, (of: Url) => of.parts.host)],
  getHostname: [method('url_get_hostname', [url], string, hostname)],
  getPort: [method('url_get_port', [url], string, port)],
  getEscapedPath: [method('url_get_escaped_path', [url], string, escapedPath)],
  getQuery: [method('url_get_query', [url], cel.map(string, cel.list(string)), query)],
})
