import { expect, it } from 'vitest'
import { forwardedPort } from './forwarded-ports.ts'

const container = (ports: object[]) => ({ name: 'web', image: 'web', ports })
const pod: any = {
  metadata: { name: 'web-1' },
  spec: { containers: [container([{ name: 'http', containerPort: 8080 }])] },
}
const ofPod = (text: string) => forwardedPort(text, { kind: 'Pod' }, pod)
const service = { kind: 'Service', spec: { ports: [{ name: 'web', port: 80, targetPort: 'http' }, { port: 81 }] } }

it.each([
  ['8000:80', { local: 8000, remote: 80 }],
  ['80', { local: 80, remote: 80 }],
  [':80', { local: 0, remote: 80 }],
  ['http', { local: 8080, remote: 8080 }],
  ['9000:http', { local: 9000, remote: 8080 }],
])('%s of a pod', (text, expected) => {
  expect(ofPod(text)).toEqual(expected)
})

it('a Service’s port leads to that of its pods', () => {
  expect(forwardedPort('8000:80', service, pod)).toEqual({ local: 8000, remote: 8080 })
  expect(forwardedPort(':web', service, pod)).toEqual({ local: 0, remote: 8080 })
  expect(forwardedPort('81', service, pod)).toEqual({ local: 81, remote: 81 })
  expect(forwardedPort('8000:9', service, pod)).toEqual({ local: 8000, remote: 9 })
})

it.each(['', '0', '70000', '1:2:3', 'x:80', '80:'])('"%s" is no port', text => {
  expect(() => ofPod(text)).toThrow()
})

it('a name that no container has is said, with those there are', () => {
  expect(() => ofPod('grpc')).toThrow('no container of pod web-1 calls a port "grpc"')
})
