export { accessModeOf, capabilityOf } from './capability.ts'
export {
  type CreatedVolume,
  type CsiController,
  CsiDriver,
  type NodeInfo,
  type VolumeCapability,
  type VolumeCondition,
  type VolumeUsage,
} from './csi-driver.ts'
export { type DeviceGrant, DevicePlugin, type DevicePluginOptions } from './device-plugin.ts'
export { type DraClaim, type DraDevice, DraPlugin } from './dra-plugin.ts'
export { attachmentName, ephemeralHandle, isAttachmentName, uniqueVolumeName } from './names.ts'
export { Refusal, type ServedService, servePlugin } from './plugin-server.ts'
export { PluginAway, PluginRefused, PluginSocket } from './plugin-socket.ts'
export { csiProtocol, kubeletProtocol } from './protocols.ts'
