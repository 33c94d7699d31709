import type { Client } from '../../src/client/index.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../../src/models/kinds/index.ts'
import { makeClaim, makeVolume } from '../../src/scheduler/testing/storage.ts'
import type { Case } from './cases.ts'

const ebs = 'ebs.csi.aws.com'

export const csiNodeOf = (name: string) => ({
  metadata: {
    name,
    annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': 'kubernetes.io/aws-ebs,kubernetes.io/gce-pd' },
  },
  spec: { drivers: [{ name: ebs, nodeID: name, allocatable: { count: 39 } }] },
})

/** A volume, and a claim that is bound to it, for the pod of this name. */
export async function addVolume(client: Client, { volumes }: Case, name: string): Promise<void> {
  const { metadata, spec: claim } = makeClaim({ name: `c-${name}`, volume: `v-${name}` })
  const { namespace, annotations } = metadata
  await client.create(PersistentVolumeClaim, {
    metadata: { name: `c-${name}`, ...(namespace ? { namespace } : {}), ...(annotations ? { annotations } : {}) },
    spec: claim,
  })
  const { csi, ...rest } = makeVolume({ name: `v-${name}`, driver: ebs }).spec
  const source = volumes === 'csi' ? { csi: csi! } : { awsElasticBlockStore: { volumeID: `v-${name}` } }
  await client.create(PersistentVolume, { metadata: { name: `v-${name}` }, spec: { ...rest, ...source } })
}

/** What the pod of this name needs to use it. */
export const volumesOf = (name: string) => [{ name: 'v', persistentVolumeClaim: { claimName: `c-${name}` } }]
