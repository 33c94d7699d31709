import { expect, test } from 'vitest'
import { Endpoints, Node, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../index.ts'
import { refusals } from '../testing.ts'
import table from './refusals.data.json' with { type: 'json' }

const kinds = { Endpoints, Node, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Service }

// Each row is what a kube-apiserver 1.32.13 answered to the create of such an object, cause by cause in its order.
test.each<[kind: keyof typeof kinds, body: object, causes: string[]]>(
  table as [keyof typeof kinds, object, string[]][],
)('%s %j is refused as Kubernetes refuses it', (kind, body, causes) => {
  expect(refusals(kinds[kind], body)).toEqual(causes)
})
