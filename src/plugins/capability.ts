import type { AccessMode, VolumeCapability } from './csi-driver.ts'

/**
 * What a volume of these access modes is to a CSI driver.
 * @param single the driver tells apart one writing pod from many on one node (SINGLE_NODE_MULTI_WRITER)
 */
export function accessModeOf(modes: readonly string[], single: boolean): AccessMode {
  if (modes.includes('ReadWriteMany')) return 'MULTI_NODE_MULTI_WRITER'
  if (modes.includes('ReadWriteOncePod')) return single ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER'
  if (modes.includes('ReadWriteOnce')) return single ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER'
  return modes.includes('ReadOnlyMany') ? 'MULTI_NODE_READER_ONLY' : 'SINGLE_NODE_WRITER'
}

export function capabilityOf(about: {
  modes: readonly string[]
  /** The driver has SINGLE_NODE_MULTI_WRITER. */
  single: boolean
  block: boolean
  fsType?: string | undefined
  mountFlags?: readonly string[] | undefined
  mountGroup?: string | undefined
}): VolumeCapability {
  const access_mode = { mode: accessModeOf(about.modes, about.single) }
  if (about.block) return { access_mode, block: {} }
  return {
    access_mode,
    mount: {
      fs_type: about.fsType ?? '',
      mount_flags: [...(about.mountFlags ?? [])],
      ...(about.mountGroup ? { volume_mount_group: about.mountGroup } : {}),
    },
  }
}
