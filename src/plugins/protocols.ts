import { Protocol } from '../base/protobuf-protocol.ts'
import csiData from './csi-v1.data.json' with { type: 'json' }
import kubeletData from './kubelet-plugins.data.json' with { type: 'json' }

export const csiProtocol = new Protocol(csiData as never)
export const kubeletProtocol = new Protocol(kubeletData as never)
