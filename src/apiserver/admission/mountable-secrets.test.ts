import { expect, test } from 'vitest'
import type { AnyObject } from '../../models/object.ts'
import { unmountable } from './mountable-secrets.ts'

const account = {
  metadata: { name: 'a' },
  ...{ secrets: [{ name: 'own' }], imagePullSecrets: [{ name: 'pull' }] },
} as unknown as AnyObject
const because = 'is not allowed because service account a does not reference that'
const variable = (name: string) => ({ env: [{ name: 'E', valueFrom: { secretKeyRef: { name } } }] })
const all = (name: string) => ({ envFrom: [{ secretRef: { name } }] })
const why = (spec: object, whole = true) => unmountable(account, { spec } as unknown as AnyObject, whole)

test.each<[object, string | undefined]>([
  [{ volumes: [{ secret: { secretName: 'own' } }, { emptyDir: {} }] }, undefined],
  [{ volumes: [{ secret: { secretName: 'other' } }] }, `volume with secret.secretName="other" ${because} secret`],
  [{ containers: [{ name: 'c', ...variable('own'), ...all('own') }] }, undefined],
  [
    { containers: [{ name: 'c', ...variable('other') }] },
    `container c with envVar E referencing secret.secretName="other" ${because} secret`,
  ],
  [
    { initContainers: [{ name: 'i', ...all('other') }] },
    `init container i with envFrom referencing secret.secretName="other" ${because} secret`,
  ],
  [{ containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'other' } }] }] }, undefined],
  [{ imagePullSecrets: [{ name: 'pull' }] }, undefined],
  [
    { imagePullSecrets: [{ name: 'pull' }, { name: 'own' }] },
    `imagePullSecrets[1].name="own" ${because} imagePullSecret`,
  ],
])('of a new pod %j', (spec, answer) => {
  expect(why(spec)).toBe(answer)
})

test('of a pod that is there already only its ephemeral containers are looked at', () => {
  const spec = {
    containers: [{ name: 'c', ...all('other') }],
    volumes: [{ secret: { secretName: 'other' } }],
    imagePullSecrets: [{ name: 'other' }],
  }
  expect(why(spec, false)).toBeUndefined()
  expect(why({ ...spec, ephemeralContainers: [{ name: 'e', ...all('other') }] }, false)).toBe(
    `ephemeral container e with envFrom referencing secret.secretName="other" ${because} secret`,
  )
})
