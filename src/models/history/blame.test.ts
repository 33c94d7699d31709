import { describe, expect, it } from 'vitest'
import type { AnyObject } from '../object.ts'
import { blame } from './blame.ts'
import { changedBy, fieldChanges } from './changes.ts'

const entry = (manager: string, fieldsV1: object, subresource = '') => ({
  manager,
  operation: 'Update',
  apiVersion: 'apps/v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource ? { subresource } : {}),
})

/** A Deployment with one container, whose image and replicas have each an owner. */
function web(replicas: number, image: string, uid = 'u1', scaledBy = 'alice'): AnyObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      uid,
      managedFields: [
        entry('helm', {
          'f:spec': { 'f:template': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } } } },
        }),
        entry(scaledBy, { 'f:spec': { 'f:replicas': {} } }, 'scale'),
      ],
    },
    spec: {
      replicas,
      template: {
        containers: [
          { name: 'web', image },
          { name: 'log', image: 'log:1' },
        ],
      },
    },
  } as unknown as AnyObject
}

describe('blame', () => {
  it('names for each field the revision that gave it its value, and its owner', () => {
    const states = [
      { revision: '9', time: 't9', object: web(3, 'web:2') },
      { revision: '7', time: 't7', object: web(3, 'web:2') },
      { revision: '5', time: 't5', object: web(3, 'web:1', 'u1', 'bob') },
      { revision: '2', time: 't2', object: web(1, 'web:1') },
    ]
    expect(blame(states, 'spec', true).filter(o => !o.path.includes('name=log') && !o.path.endsWith('.name'))).toEqual([
      { path: 'spec.replicas', value: 3, by: 'bob (scale)', time: 't5', revision: '5' },
      {
        path: 'spec.template.containers[name=web].image',
        value: 'web:2',
        by: 'helm',
        time: 't7',
        revision: '7',
      },
    ])
  })

  it('says that a value is older than the history, with the owner’s time, and stops at an earlier object of that name', () => {
    const kept = [{ revision: '9', time: 't9', object: web(3, 'web:2') }]
    expect(blame(kept, 'spec.replicas', false)).toEqual([
      { path: 'spec.replicas', value: 3, by: 'alice (scale)', time: '2026-01-01T00:00:00Z' },
    ])
    const again = [...kept, { revision: '8' }, { revision: '7', time: 't7', object: web(3, 'web:2', 'u0') }]
    expect(blame(again, 'spec.replicas', false)[0]).toMatchObject({ revision: '9', time: 't9' })
  })
})

describe('field changes', () => {
  it('match elements of lists by name, and leave book-keeping out', () => {
    const before = web(1, 'web:1')
    const after = web(1, 'web:2')
    const { template } = after['spec'] as { template: { containers: unknown[] } }
    template.containers.reverse()
    after.metadata.generation = 5
    expect(fieldChanges(before, after)).toEqual([
      { path: 'spec.template.containers[name=web].image', from: 'web:1', to: 'web:2' },
    ])
    expect(changedBy(before, after)).toEqual(['helm'])
  })
})
