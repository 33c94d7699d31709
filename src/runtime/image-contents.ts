import type { ImageRef } from './runtime.ts'

/** What one blob of an image is, as the OCI image format says it. */
export interface Descriptor {
  mediaType: string
  /** `sha256:…` */
  digest: string
  size: number
  platform?: { os: string; architecture: string }
}

/** Where the bytes of an image are had from. */
export interface ImageSource {
  /** What the image's name stands for: a manifest, or an index of several. */
  target: Descriptor
  /** The bytes of one of its blobs; whoever takes them checks their digest. */
  fetch(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** What a runtime holds of images, down to their bytes and files. */
export interface ImageContents {
  /** @param name whole: `docker.io/library/busybox:1` @returns undefined: it is not here */
  find(name: string): Promise<Descriptor | undefined>
  /** Undefined: the blob is not here. */
  blob(digest: string): Promise<{ size: number } | undefined>
  read(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Takes an image from elsewhere than its registry; afterwards it is as if pulled. @throws RuntimeFailed; whatever the source throws */
  take(name: string, source: ImageSource, signal: AbortSignal): Promise<ImageRef>
  /**
   * Mounts the files of a pulled image at `folder`, read-only; where it is mounted already, nothing happens.
   * @returns false: this runtime mounts images itself (`Mount.image`)
   * @throws RuntimeFailed
   */
  mount(image: ImageRef, folder: string): Promise<boolean>
  /** Lets go of what was mounted at `folder` and is no more. Nothing there is fine. */
  release(folder: string): Promise<void>
}
