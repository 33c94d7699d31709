import { expect, test } from 'vitest'
import { packAuthor, unpackAuthor } from './author.ts'
import { Packer, Unpacker } from './packing.ts'

/** As it is kept, and as it comes back: see Writer and Slice. */
function kept(packed: Packer) {
  const written = new Unpacker(packed.finish())
  const user = written.text()
  const request = written.value()
  const answer = new Packer()
  answer.keys.push(user)
  answer.value(request)
  return { bytes: request?.length, author: unpackAuthor(new Unpacker(answer.finish())) }
}

const uuid = '0123abcd-4567-4ef0-89ab-0a1b2c3d4e5f'

test.each([
  ['a UUID', uuid, 16],
  ['a UUID in capitals', uuid.toUpperCase(), 36],
  ['dashes elsewhere', '0123abcd4-567-4ef0-89ab-0a1b2c3d4e5f', 36],
  ['other letters', '0123abcg-4567-4ef0-89ab-0a1b2c3d4e5f', 36],
  ['a text as long as the bytes of a UUID', 'sixteen letters!', 17],
  ['a text of one letter more', 'seventeen letters', 17],
  ['not only ASCII', 'wer fragt, für wen', 19],
  ['nothing', '', 0],
])('a request named by %s keeps its name', (_, request, bytes) => {
  const packer = new Packer()
  packAuthor(packer, { user: 'ann', request })
  expect(kept(packer)).toEqual({ bytes, author: { user: 'ann', request } })
})

test('who is nobody stays nobody', () => {
  const packer = new Packer()
  packAuthor(packer, undefined)
  expect(kept(packer)).toEqual({ bytes: undefined, author: undefined })
})
