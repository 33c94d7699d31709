import { describe, expect, test } from 'vitest'
import {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../index.ts'
import { refusals, updateRefusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const driver = { name: 'x.io', nodeID: 'n' }
const source = { persistentVolumeName: 'pv' }

describe('a create is refused', () => {
  test.each<[any, object, string[]]>([
    [
      CSIDriver,
      {
        spec: {
          fsGroupPolicy: 'x',
          volumeLifecycleModes: ['y'],
          tokenRequests: [{ audience: 'a', expirationSeconds: 5 }],
        },
      },
      [
        'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        'spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
        'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
      ],
    ],
    [
      CSINode,
      { spec: { drivers: [driver, { ...driver, nodeID: '', topologyKeys: ['k', 'k'] }] } },
      [
        'spec.drivers[1].nodeID: Required value',
        'spec.drivers[1].name: Duplicate value: "x.io"',
        'spec.drivers[1]: Duplicate value: "k"',
      ],
    ],
    [
      CSIStorageCapacity,
      { storageClassName: 'c', capacity: '-1', nodeTopology: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
      [
        'nodeTopology.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator',
        'capacity: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    [
      StorageClass,
      { provisioner: 'x.io/y', parameters: { '': 'a' }, reclaimPolicy: 'Recycle', allowedTopologies: [{}] },
      [
        'parameters: Invalid value: "": field can not be empty.',
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
      ],
    ],
    [
      VolumeAttachment,
      { spec: { attacher: 'x.io', nodeName: 'n', source: {} } },
      ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    ],
    [
      VolumeAttributesClass,
      { driverName: 'x.io', parameters: {} },
      ['parameters: Required value: must contain at least one key/value pair'],
    ],
  ])('$kind %j', (kind, object, expected) => {
    expect(refusals(kind, object)).toEqual(expected)
  })
})

test('a node keeps what it said of a driver, and a class its parameters', () => {
  const node = updateRefusals(CSINode, { spec: { drivers: [driver] } }, next => {
    next.spec.drivers[0].nodeID = 'other'
  })
  expect(node).toHaveLength(1)
  expect(node[0]).toMatch(/^CSINodeDriver: Invalid value: .*: field is immutable$/)
  const body = { driverName: 'x.io', parameters: { a: 'b' } }
  const refused = updateRefusals(VolumeAttributesClass, body, next => {
    next.parameters = { a: 'c' }
  })
  expect(refused).toEqual(['parameters: Forbidden: updates to parameters are forbidden.'])
  const attachment = { spec: { attacher: 'x.io', nodeName: 'n', source } }
  expect(refusals(VolumeAttachment, attachment)).toEqual([])
})

const inline = { accessModes: ['ReadWriteOnce'], csi: { driver: 'x.io', volumeHandle: 'h' } }
const context = 'in the context of inline volumes'
test.each<[string, object, string[]]>([
  ['a CSI volume', {}, []],
  ['a size', { capacity: { storage: '1Gi' } }, [`capacity: Forbidden: may not be specified ${context}`]],
  [
    'a path of the node',
    { csi: undefined, hostPath: { path: '/x' } },
    [`csi: Required value: has to be specified ${context}`],
  ],
  [
    'what belongs to objects',
    {
      claimRef: { name: 'c', namespace: 'n' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 's',
      volumeMode: 'Block',
    },
    [
      `claimRef: Forbidden: may not be specified ${context}`,
      `persistentVolumeReclaimPolicy: Forbidden: may only be Retain ${context}`,
      `storageClassName: Forbidden: may not be specified ${context}`,
      `volumeMode: Forbidden: may not specify volumeMode other than Filesystem ${context}`,
    ],
  ],
])('a volume described where it is attached, with %s', (_title, more, errors) => {
  const source = { inlineVolumeSpec: { ...inline, ...more } }
  const attachment = { spec: { attacher: 'x.io', nodeName: 'n', source } }
  const at = 'spec.source.inlineVolumeSpec.'
  expect(refusals(VolumeAttachment, attachment)).toEqual(errors.map(e => at + e))
})
