export {
  type SupervisedContainerd,
  type SuperviseOptions,
  stateFolderOf,
  superviseContainerd,
} from './containerd.ts'
export type { RegistryHost } from './containerd-config.ts'
export { ContainerdFailed } from './containerd-failure.ts'
export { type ContainerdOptions, openContainerd } from './cri/containerd-runtime.ts'
export { recordFolder, recordsOf } from './cri/network-record.ts'
export { type ArchivedImage, BadArchive, readImageArchive } from './image-archive.ts'
export type { Descriptor, ImageContents, ImageSource } from './image-contents.ts'
export { wholeName } from './image-reference.ts'
export { type Inventory, Stock } from './inventory.ts'
export { buildImage, type ImageRecipe, type OciImage, ociArchive } from './oci-image.ts'
export { type OciRegistry, openRegistry, type RegistryOptions } from './oci-registry.ts'
export { askPatiently } from './patience.ts'
export * from './runtime.ts'
export { isMountPoint, mountOf, mountPoints, sharedRootAdvice, shareFolder, unshareFolder } from './shared-mounts.ts'
export { endShim, shimsOf } from './shims.ts'
export { openSimulated, type SimulatedOptions, type SimulatedRuntime } from './simulated/simulated-runtime.ts'
export { tar } from './tar.ts'
