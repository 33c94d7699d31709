/** The host that an image name means: its first part where that has a dot, a colon or is localhost, else Docker Hub. */
export function registryOf(image: string): string {
  const first = image.split('/')[0]!
  return image.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'docker.io'
}

/** `busybox` is docker.io/library/busybox. Tag and digest stay. */
export function fullName(image: string): string {
  const slash = image.indexOf('/')
  const first = slash < 0 ? '' : image.slice(0, slash)
  if (first.includes('.') || first.includes(':') || first === 'localhost') return image
  return slash < 0 ? `docker.io/library/${image}` : `docker.io/${image}`
}

/** `library/busybox` of `busybox:1`. */
export function repositoryOf(image: string): string {
  const name = fullName(image).replace(/@.*$/, '')
  return name.slice(name.indexOf('/') + 1).replace(/:[^/]*$/, '')
}

/** The tag, or the digest that outweighs it; `latest` where neither is said. */
export function referenceOf(image: string): string {
  const at = image.indexOf('@')
  if (at >= 0) return image.slice(at + 1)
  return /:([^/:]+)$/.exec(image.slice(image.lastIndexOf('/') + 1))?.[1] ?? 'latest'
}

/** The name under which a runtime keeps an image, whichever short form of it was pulled: `docker.io/library/busybox:latest`. */
export function wholeName(image: string): string {
  const reference = referenceOf(image)
  return `${registryOf(image)}/${repositoryOf(image)}${reference.includes(':') ? '@' : ':'}${reference}`
}
