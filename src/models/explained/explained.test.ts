import { expect, test } from 'vitest'
import { schemaFiles } from '../schema/files.ts'
import { typeNamed } from '../schema/types.ts'
import { explained } from './explained.ts'
import metaV1 from './meta-v1.data.json' with { type: 'json' }
import { texts } from './texts.ts'

test.each(Object.entries(metaV1))('meta/v1 %s and each of its fields is explained, and nothing else', (name, said) => {
  const type = typeNamed(`meta/v1.${name}`)
  for (const field of type.fields.keys()) expect(explained(type, field), field).toBeTruthy()
  for (const field of Object.keys(said)) expect(field === '' || type.fields.has(field), field).toBe(true)
  for (const text of Object.values(said)) expect(text.length).toBeLessThanOrEqual(160)
})

const groups = Object.keys(texts).filter(group => group !== 'meta/v1')
const typesOf = (group: string) => Object.keys(schemaFiles.find(file => file.group === group)?.types ?? {})

test.each(groups)('%s: every type and each of its fields is explained', group => {
  const unexplained = typesOf(group).flatMap(name => {
    const type = typeNamed(`${group}.${name}`)
    return ['', ...type.fields.keys()].filter(field => !explained(type, field)).map(field => `${name}.${field}`)
  })
  expect(unexplained).toEqual([])
})

test.each(groups)('%s: nothing is explained that is not there, and nothing at length', group => {
  const stable = group.replace(/v1beta1$/, 'v1')
  for (const [name, said] of Object.entries(texts[group]!)) {
    const home = [group, stable].find(version => typesOf(version).includes(name))
    expect(home, name).toBeDefined()
    const fields = typeNamed(`${home}.${name}`).fields
    expect(
      Object.keys(said).filter(field => field !== '' && !fields.has(field)),
      name,
    ).toEqual([])
    expect(
      Object.values(said).filter(text => text.length > 160),
      name,
    ).toEqual([])
  }
})

test('every kind says what it has in common with the others', () => {
  const pod = typeNamed('core/v1.Pod')
  expect(explained(pod, 'apiVersion')).toMatch(/^APIVersion defines/)
  expect(explained(pod, 'metadata')).toBe("Standard object's metadata.")
})
