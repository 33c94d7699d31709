import { isDns1123Label } from '../../base/names.ts'

/** Of names that become part of names and hostnames of pods. */
export function hostnameWarnings(name: string, of = 'Pod names and hostnames'): string[] {
  const problems = isDns1123Label(name)
  if (!problems.length) return []
  return [
    `metadata.name: this is used in ${of}, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ]
}
