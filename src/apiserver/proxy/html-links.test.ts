import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { isPage, withLinks } from './html-links.ts'

const page = `<!doctype html><html><!-- <a href="/no"> --><body data-x="/no">
<A class=x HREF='/a&amp;b' title="/no">Grüße</a><img src=/pic.png usemap="#m" longdesc="/d"><form action="/">
<script src="/s.js">"<a href='/no'>"</script><a href="next">x</a><a href>y</a><br/>\r\n\u{1f600}</body>`
const moved = page
  .replace("'/a&", "'/p/a&")
  .replace('=/pic', '=/p/pic')
  .replace('"/d"', '"/p/d"')
  .replace('"/">', '"/p/">')
  .replace('"/s.js', '"/p/s.js')
const rewrite = (link: string) => (link.startsWith('/') ? `/p${link}` : link)

/** The bytes seven at a time, as a slow server might send them. */
const pieces = (bytes: Buffer) =>
  Readable.from(Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(i * 7, i * 7 + 7)))

const read = async (stream: Readable) => Buffer.concat(await stream.toArray())

test('every link of a page is rewritten, and all else stays as it was', async () => {
  expect((await read(withLinks(pieces(Buffer.from(page)), '', rewrite))).toString()).toBe(moved)
})

test('bytes that are no UTF-8 come out as they went in', async () => {
  const bytes = Buffer.from('<a href="/x">\u00e4\u00ff</a>', 'latin1')
  expect((await read(withLinks(pieces(bytes), '', link => link))).equals(bytes)).toBe(true)
})

test('a packed page is unpacked and packed again', async () => {
  const packed = await read(withLinks(pieces(gzipSync(page)), 'gzip', rewrite))
  expect(gunzipSync(packed).toString()).toBe(moved)
})

test('a page that breaks off ends with its error, whatever of it had come', async () => {
  await expect(read(withLinks(pieces(gzipSync(page).subarray(0, 40)), 'gzip', rewrite))).rejects.toThrow(
    'unexpected end',
  )
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('<a href="/x">')
      throw new Error('gone')
    })(),
  )
  await expect(read(withLinks(broken, '', rewrite))).rejects.toThrow('gone')
})

test.each([
  [{ 'content-type': 'text/html' }, true],
  [{ 'content-type': 'Text/HTML; charset=utf-8', 'content-encoding': 'gzip' }, true],
  [{ 'content-type': 'text/html', 'content-encoding': 'br' }, false],
  [{ 'content-type': 'application/json' }, false],
  [{}, false],
])('%j is a page whose links are read: %s', (headers, is) => expect(isPage(headers)).toBe(is))
