import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { checkApplied } from './check-applied.ts'

const pod = typeNamed('core/v1.Pod')
const spec = (containers: object[], more: object = {}) => ({ metadata: { name: 'p' }, spec: { containers, ...more } })

test.each<[string, object, string[]]>([
  ['nothing', spec([{ name: 'c', ports: [{ containerPort: 80 }] }], { nodeSelector: { any: 'thing' } }), []],
  [
    'fields that there are not',
    { bogus: 1, ...spec([{ name: 'c', colour: 'red' }], { shape: {} }) },
    [
      '.bogus: field not declared in schema',
      '.spec.containers[name="c"].colour: field not declared in schema',
      '.spec.shape: field not declared in schema',
    ],
  ],
  [
    'an element without its key',
    spec([{ image: 'i' }]),
    [
      '.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    ],
  ],
  [
    'an element twice, one by default',
    spec([{ name: 'c', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }]),
    ['.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]'],
  ],
])('names %s', (_, value, problems) => {
  expect(checkApplied(pod, value)).toEqual(problems)
})
