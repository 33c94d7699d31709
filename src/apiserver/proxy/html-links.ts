import { pipeline, type Readable, Transform } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { RewritingStream } from 'parse5-html-rewriting-stream'
import type { HttpStream } from '../../base/net.ts'

/** Which attributes of which elements are links: what browsers follow by themselves or on a click. */
const links: Record<string, readonly string[]> = {
  ...{ a: ['href'], area: ['href'], base: ['href'], link: ['href'], html: ['manifest'], head: ['profile'] },
  ...{ audio: ['src'], embed: ['src'], script: ['src'], source: ['src'], video: ['poster', 'src'] },
  ...{ frame: ['longdesc', 'src'], iframe: ['longdesc', 'src'], img: ['longdesc', 'src', 'usemap'] },
  ...{ form: ['action'], button: ['formaction'], input: ['src', 'usemap', 'formaction'], command: ['icon'] },
  ...{ blockquote: ['cite'], del: ['cite'], ins: ['cite'], q: ['cite'], body: ['background'], applet: ['codebase'] },
  object: ['classid', 'codebase', 'data', 'usemap'],
}

/** Whether an answer is a page whose links we can rewrite: HTML, in no encoding that we do not know. */
export function isPage(headers: HttpStream['headers']): boolean {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(';', 1)
  return type!.trim() === 'text/html' && ['', 'gzip'].includes(headers['content-encoding'] ?? '')
}

/** The page with every link as `rewrite` makes it, piece by piece as it comes; all else to the byte. An error of the page ends it too. */
export function withLinks(page: Readable, encoding: string, rewrite: (link: string) => string): Readable {
  const parts = encoding === 'gzip' ? [createGunzip(), ...rewriting(rewrite), createGzip()] : rewriting(rewrite)
  return pipeline([page, ...parts], () => {}) as unknown as Readable
}

/** Latin-1 in and out: a byte is a character, whatever the page is written in. */
function rewriting(rewrite: (link: string) => string): Transform[] {
  const html = new RewritingStream()
  html.on('startTag', (tag, raw) => {
    const names = links[tag.tagName] ?? []
    const where = tag.sourceCodeLocation
    const places = where && 'attrs' in where ? (where.attrs as Record<string, Span | undefined>) : {}
    const found = names.flatMap(name => places[name] ?? [])
    html.emitRaw(withValues(raw, where?.startOffset ?? 0, found, rewrite))
  })
  return [characters(), html, bytes()]
}

interface Span {
  startOffset: number
  endOffset: number
}

/** @param begin where the tag stands in the page, as the places of its attributes do */
function withValues(tag: string, begin: number, attributes: Span[], rewrite: (link: string) => string): string {
  let out = tag
  // From the last to the first: what comes before stays where it is.
  for (const { startOffset, endOffset } of attributes.sort((a, b) => b.startOffset - a.startOffset)) {
    const [from, to] = [startOffset - begin, endOffset - begin]
    out = `${out.slice(0, from)}${withValue(out.slice(from, to), rewrite)}${out.slice(to)}`
  }
  return out
}

/** `href="…"`, with another value in the quotes that it has. */
function withValue(attribute: string, rewrite: (link: string) => string): string {
  const [, head, value, tail] = /^([^=]*=\s*["']?)(.*?)(["']?)$/s.exec(attribute) ?? []
  return head === undefined ? attribute : `${head}${rewrite(value!)}${tail}`
}

const characters = () =>
  new Transform({
    readableObjectMode: true,
    transform: (chunk: Buffer, _, done) => done(null, chunk.toString('latin1')),
  })

const bytes = () =>
  new Transform({ decodeStrings: false, transform: (chunk, _, done) => done(null, Buffer.from(chunk, 'latin1')) })
