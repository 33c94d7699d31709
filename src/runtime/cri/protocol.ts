import { Protocol } from '../../base/protobuf-protocol.ts'
import containerdData from './containerd-v1.data.json' with { type: 'json' }
import criData from './cri-v1.data.json' with { type: 'json' }

export const criProtocol = new Protocol(criData)
export const containerdProtocol = new Protocol(containerdData)
