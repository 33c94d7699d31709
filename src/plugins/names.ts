import { createHash } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

/** Name of the VolumeAttachment of a volume on a node: agents, attachers and the attach-detach controller agree on it. */
export const attachmentName = (handle: string, driver: string, node: string): string =>
  `csi-${digest(`${handle}${driver}${node}`)}`

/** Whether an attachment was made by whoever names them as we do; others' are theirs to take back. */
export const isAttachmentName = (name: string): boolean => /^csi-[0-9a-f]{64}$/.test(name)

/** How nodes name a volume of a driver in their status. */
export const uniqueVolumeName = (driver: string, handle: string): string => `kubernetes.io/csi/${driver}^${handle}`

/** Handle of a volume that lives as long as its pod. */
export const ephemeralHandle = (podUid: string, volume: string): string => `csi-${digest(`${podUid}${volume}`)}`
