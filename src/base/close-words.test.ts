import { expect, test } from 'vitest'
import { closeWords } from './close-words.ts'

test('a misspelt word finds what was meant, the closest first', () => {
  expect(closeWords('data-dirr', ['listen', 'data-dir', 'data-dirs'])).toEqual(['data-dir', 'data-dirs'])
  expect(closeWords('podz', ['po', 'pods', 'nodes', 'pods'])).toEqual(['pods', 'po'])
  expect(closeWords('x', ['listen'])).toEqual([])
})
