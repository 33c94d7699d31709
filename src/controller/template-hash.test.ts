import { expect, it } from 'vitest'
import type { PodTemplateSpec } from '../models/types/core-v1.ts'
import { sameTemplate, templateHashLabel } from './template-hash.ts'

const one = { [templateHashLabel]: 'value-1', something: 'else' }
const two = { [templateHashLabel]: 'value-2', something: 'else' }
const template = (labels: Record<string, string>, annotations = {}, nodeName = 'n1'): PodTemplateSpec => ({
  metadata: { labels, annotations },
  spec: { nodeName, containers: [] },
})

it.each<[string, PodTemplateSpec, PodTemplateSpec, boolean]>([
  ['are the same', template(one), template(one), true],
  ['have different hashes', template(one), template(two), true],
  ['of which one has no hash', template({ something: 'else' }), template(two), true],
  [
    'of which one has a label, the other a hash',
    template({ something: 'else' }),
    template({ [templateHashLabel]: 'v' }),
    false,
  ],
  ['of which one has a label more', template({ [templateHashLabel]: 'value-1' }), template(one), false],
  ['have different annotations', template(one, { a: '1' }), template(one, { b: '1' }), false],
  ['have different pods and hashes', template(one), template(two, {}, 'n2'), false],
  ['have different pods, one without a hash', template({ something: 'else' }), template(two, {}, 'n2'), false],
  ['have different labels', template({ something: 'else' }), template({ nothing: 'else' }), false],
])('two templates that %s make the same pods: %#', (_, a, b, expected) => {
  const labels = structuredClone([a, b])
  expect([sameTemplate(a, b), sameTemplate(b, a)]).toEqual([expected, expected])
  expect([a, b]).toEqual(labels)
})
