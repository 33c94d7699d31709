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
  ['no element without a key that is always written', spec([{ image: 'i' }]), []],
  [
    'values of another type',
    {
      metadata: { labels: 'x', finalizers: [null], ownerReferences: ['x'], annotations: { a: { b: 1 } } },
      spec: { containers: [{ name: 'c', args: [5], tty: 'x', ports: 'x' }], priority: 'x', tolerations: {} },
    },
    [
      '.metadata.labels: expected map, got &{x}',
      ".metadata.finalizers: element 0: associative list without keys has an element that's an explicit null",
      '.metadata.ownerReferences: element 0: associative list with keys may not have non-map elements',
      '.metadata.annotations.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":1}}',
      '.spec.containers[name="c"].args[0]: expected string, got &value.valueUnstructured{Value:5}',
      '.spec.containers[name="c"].tty: expected boolean, got &{x}',
      '.spec.containers[name="c"].ports: expected list, got &{x}',
      '.spec.priority: expected numeric (int or float), got string',
      '.spec.tolerations: expected list, got &{map[]}',
    ],
  ],
  [
    'an amount that is no scalar, a key that is null',
    spec([
      {
        name: 'c',
        ports: [{ containerPort: 80, protocol: null }, { containerPort: 80 }],
        resources: { limits: { cpu: [1] } },
      },
    ]),
    ['.spec.containers[name="c"].resources.limits.cpu: expected any scalar, got &{[1]}'],
  ],
  [
    'an element twice, one by default',
    spec([{ name: 'c', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }]),
    ['.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]'],
  ],
])('names %s', (_, value, problems) => {
  expect(checkApplied(pod, value)).toEqual(problems)
})
