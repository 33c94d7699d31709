import { resolve } from 'node:path'

/** What a node shows to image registries besides the pull secrets of pods, under kubelet's names. */
export interface ImageChoices {
  /** A CredentialProviderConfig: programs that know what registries want to see. */
  imageCredentialProviderConfig: string | undefined
  /** Where those programs are. */
  imageCredentialProviderBinDir: string | undefined
}

export const imageDefaults: ImageChoices = {
  imageCredentialProviderConfig: undefined,
  imageCredentialProviderBinDir: undefined,
}

/** The flag of each, and how its text is read. */
export const imageRules: { [K in keyof ImageChoices]: { name: string; read(text: string): ImageChoices[K] } } = {
  imageCredentialProviderConfig: { name: 'image-credential-provider-config', read: text => resolve(text) },
  imageCredentialProviderBinDir: { name: 'image-credential-provider-bin-dir', read: text => resolve(text) },
}

/** What is wrong with them together; undefined: nothing. */
export function imageContradiction(settings: ImageChoices): string | undefined {
  const { imageCredentialProviderConfig: config, imageCredentialProviderBinDir: folder } = settings
  if (!config === !folder) return undefined
  return '--image-credential-provider-config and --image-credential-provider-bin-dir go together: name both, or neither'
}
