const pathComponent = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/
const host =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d+)?$/
const tagForm = /^\w[\w.-]{0,127}$/
const digestForm = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/
const maxNameLength = 255

/**
 * What is wrong with an image name, in the words of the reference grammar; undefined if it is one.
 * `[registry[:port]/]path[:tag][@digest]`, the path in lower case.
 * @see https://github.com/distribution/reference
 */
export function wrongImageName(image: string): string | undefined {
  const at = image.indexOf('@')
  if (at >= 0 && !digestForm.test(image.slice(at + 1))) return 'invalid reference format'
  const tagged = at >= 0 ? image.slice(0, at) : image
  const colon = tagged.lastIndexOf(':')
  const hasTag = colon > tagged.lastIndexOf('/')
  if (hasTag && !tagForm.test(tagged.slice(colon + 1))) return 'invalid reference format'
  const name = hasTag ? tagged.slice(0, colon) : tagged
  if (name.length > maxNameLength) return `repository name must not be more than ${maxNameLength} characters`
  const components = name.split('/')
  const first = components[0]!
  if (components.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())) {
    if (!host.test(first)) return 'invalid reference format'
    components.shift()
  }
  if (components.every(component => pathComponent.test(component))) return undefined
  return components.every(component => pathComponent.test(component.toLowerCase()))
    ? 'invalid reference format: repository name must be lowercase'
    : 'invalid reference format'
}
