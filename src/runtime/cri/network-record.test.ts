import { expect, test } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { recordFolder, recordsOf } from './network-record.ts'

test('records of one containerd are told by where their network namespaces are, whatever the network is called', async () => {
  const record = (state: string) => JSON.stringify({ kind: 'cniCacheV1', netns: `${state}/netns/cni-1` })
  const files: Record<string, string> = {
    'optiflow-a-eth0': record('/run/optiflow/0a'),
    'k8s-pod-network-b-eth0': record('/run/optiflow/0a'),
    'optiflow-c-eth0': record('/run/optiflow/0a1'),
    'optiflow-torn-eth0': '',
  }
  const disk = {
    list: async () => Object.keys(files).map(name => ({ name })),
    readText: async (path: string) => files[path.slice(recordFolder.length + 1)],
  } as unknown as Disk
  expect(await recordsOf(disk, '/run/optiflow/0a')).toEqual(['optiflow-a-eth0', 'k8s-pod-network-b-eth0'])
})
