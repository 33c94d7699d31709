import { expect, test } from 'vitest'
import { typeNamed } from '../schema/types.ts'
import { fieldsOfCreated } from './created-fields.ts'
import { Shapes } from './shapes.ts'
import { compareFields } from './typed-fields.ts'

const type = typeNamed('core/v1.Pod')

const pod = () => ({
  metadata: { name: 'a', labels: { app: 'web' } as Record<string, string>, finalizers: ['x/y'] },
  spec: {
    containers: [{ name: 'c', image: 'i', args: ['1'], ports: [{ containerPort: 80, protocol: 'TCP' }] }] as any[],
    securityContext: {} as object | null,
  },
})
type TestPod = ReturnType<typeof pod>

const alike: [string, (pod: TestPod) => void][] = [
  ['another name', p => void (p.metadata.name = 'b')],
  ['another image', p => void (p.spec.containers[0].image = 'j')],
  ['other arguments', p => void (p.spec.containers[0].args = ['2', '3'])],
  ['another value of a label', p => void (p.metadata.labels['app'] = 'db')],
]
const unlike: [string, (pod: TestPod) => void][] = [
  ['another label', p => void (p.metadata.labels = { tier: 'web' })],
  ['one label more', p => void (p.metadata.labels['tier'] = 'x')],
  ['one label less', p => void delete p.metadata.labels['app']],
  ['another finalizer', p => void (p.metadata.finalizers = ['x/z'])],
  ['another container name', p => void (p.spec.containers[0].name = 'd')],
  ['another port', p => void (p.spec.containers[0].ports[0].containerPort = 81)],
  ['a second container', p => void p.spec.containers.push({ name: 'd', image: 'i' })],
  ['no image', p => void (p.spec.containers[0].image = '')],
  ['a field that is null', p => void (p.spec.securityContext = null)],
  ['a part that is not empty', p => void (p.spec.securityContext = { runAsUser: 1 })],
  ['a field that is undefined', p => void (p.spec.containers[0].image = undefined)],
]

test.each(alike)('with %s an object has the same shape', (_title, change) => {
  const shapes = new Shapes<string>(type)
  shapes.remember(pod(), 'known')
  const other = pod()
  change(other)
  expect(shapes.find(other)).toBe('known')
})

test.each(unlike)('with %s an object has another shape', (_title, change) => {
  const shapes = new Shapes<string>(type)
  shapes.remember(pod(), 'known')
  const other = pod()
  change(other)
  expect(shapes.find(other)).toBeUndefined()
})

test('what is owned does not depend on what was created before', () => {
  const none = { own: new Set<string>(), metadata: new Set<string>() }
  for (const [, change] of [...alike, ...unlike, ...unlike, ...alike]) {
    const object = pod()
    change(object)
    const { changed } = compareFields(type, { metadata: {} }, object)
    expect(fieldsOfCreated(type, object, none)).toBe(JSON.stringify(changed.toWire()))
  }
})

test('the shapes that were met last are remembered', () => {
  const shapes = new Shapes<number>(type)
  const labelled = (i: number) => ({ metadata: { labels: { [`l${i}`]: '' } } })
  for (let i = 0; i < 8; i++) shapes.remember(labelled(i), i)
  expect(shapes.find(labelled(0))).toBe(0)
  shapes.remember(labelled(8), 8)
  expect([0, 1, 2, 8].map(i => shapes.find(labelled(i)))).toEqual([0, undefined, 2, 8])
})
