import type { KeyToPath, Volume, VolumeProjection } from '../../types/core-v1.ts'

// Files of one volume that hide each other.

interface FileAt {
  path: string
  /** Where it comes from, as the warning names it; '' where there is one source only. */
  source: string
}

export function pathWarnings(volumes: readonly Volume[] = []): string[] {
  const found: string[] = []
  // Every pod that is created comes by, and hardly one has anything to be warned of.
  for (const { configMap, secret, downwardAPI, projected, name } of volumes) {
    const say = (what: string, pairs: string[]) => {
      for (const pair of pairs) found.push(`volume ${JSON.stringify(name)} (${what}): overlapping paths: ${pair}`)
    }
    if (configMap?.items) say(`ConfigMap "${configMap.name ?? ''}"`, overlaps(filesOf(configMap.items, '')))
    if (secret?.items) say(`Secret "${secret.secretName ?? ''}"`, overlaps(filesOf(secret.items, '')))
    if (downwardAPI?.items) say('DownwardAPI', overlaps(filesOf(downwardAPI.items, '')))
    if (!projected?.sources) continue
    for (const source of projected.sources)
      if (isEmpty(source)) found.push(`volume ${JSON.stringify(name)} (Projected) has no sources provided`)
    say('Projected', overlaps(projected.sources.flatMap(projectedFiles)))
  }
  return found
}

function isEmpty(source: VolumeProjection): boolean {
  for (const type in source) if (source[type as keyof VolumeProjection]) return false
  return true
}

function projectedFiles(source: VolumeProjection): FileAt[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap "${configMap.name ?? ''}"`)
  if (secret?.items) return filesOf(secret.items, `Secret "${secret.name ?? ''}"`)
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI')
  if (token) return [{ path: token.path, source: 'ServiceAccountToken' }]
  return bundle ? [{ path: bundle.path, source: `ClusterTrustBundle "${bundle.name ?? bundle.signerName ?? ''}"` }] : []
}

const filesOf = (items: readonly Pick<KeyToPath, 'path'>[], source: string): FileAt[] =>
  items.map(({ path }) => ({ path, source }))

const none: string[] = []

function overlaps(files: FileAt[]): string[] {
  if (files.length < 2) return none
  const before: FileAt[] = []
  let found = none
  for (const { path: written, source } of files) {
    const path = withoutSlashes(written ?? '')
    if (!path) continue
    const file = { path, source }
    for (const other of before)
      if (isWithin(path, other.path) || isWithin(other.path, path))
        found = [...found, `${show(file)} with ${show(other)}`]
    before.push(file)
  }
  return found
}

/** Without those at its end. */
function withoutSlashes(path: string): string {
  let end = path.length
  while (path.charCodeAt(end - 1) === slash) end--
  return path.slice(0, end)
}

const slash = 0x2f

const isWithin = (path: string, folder: string) =>
  path.startsWith(folder) && (path.length === folder.length || path.charCodeAt(folder.length) === slash)

const show = ({ path, source }: FileAt) => (source ? `${JSON.stringify(path)} (${source})` : JSON.stringify(path))
