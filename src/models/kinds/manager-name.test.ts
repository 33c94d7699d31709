import { expect, test } from 'vitest'
import { checkManagerName } from './manager-name.ts'

test('the name of a manager is short and printable', () => {
  const said = (name: string) => checkManagerName('metadata.managedFields[0].manager', name).map(e => e.message)
  expect(said('kubectl')).toEqual([])
  expect(said('')).toEqual([])
  expect(said('x'.repeat(129))).toEqual(['Too long: may not be more than 128 bytes'])
  expect(said('a\nb')).toEqual(['Invalid value: "a\\nb": invalid character U+000A (at position 1)'])
})
