import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { explained } from './explained.ts'
import metaV1 from './meta-v1.data.json' with { type: 'json' }

test.each(Object.entries(metaV1))('meta/v1 %s and each of its fields is explained, and nothing else', (name, said) => {
  const type = typeNamed(`meta/v1.${name}`)
  for (const field of type.fields.keys()) expect(explained(type, field), field).toBeTruthy()
  for (const field of Object.keys(said)) expect(field === '' || type.fields.has(field), field).toBe(true)
  for (const text of Object.values(said)) expect(text.length).toBeLessThanOrEqual(160)
})

test('every kind says what it has in common with the others', () => {
  const pod = typeNamed('core/v1.Pod')
  expect(explained(pod, 'apiVersion')).toMatch(/^APIVersion defines/)
  expect(explained(pod, 'metadata')).toBe("Standard object's metadata.")
})
