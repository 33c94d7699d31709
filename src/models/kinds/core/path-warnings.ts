import type { KeyToPath, Volume, VolumeProjection } from '../../types/core-v1.ts'

// Files of one volume that hide each other.

interface FileAt {
  path: string
  /** Where it comes from, as the warning names it; '' where there is one source only. */
  source: string
}

export function pathWarnings(volumes: Volume[] = []): string[] {
  return volumes.filter(holdsFiles).flatMap(volume => {
    const { configMap, secret, downwardAPI, projected, name } = volume
    const say = (what: string, pairs: string[]) =>
      pairs.map(pair => `volume ${JSON.stringify(name)} (${what}): overlapping paths: ${pair}`)
    return [
      ...(configMap ? say(`ConfigMap "${configMap.name ?? ''}"`, overlaps(filesOf(configMap.items, ''))) : []),
      ...(secret ? say(`Secret "${secret.secretName ?? ''}"`, overlaps(filesOf(secret.items, ''))) : []),
      ...(downwardAPI ? say('DownwardAPI', overlaps(filesOf(downwardAPI.items, ''))) : []),
      ...(projected?.sources ?? [])
        .filter(source => !Object.values(source).some(Boolean))
        .map(() => `volume ${JSON.stringify(name)} (Projected) has no sources provided`),
      ...(projected ? say('Projected', overlaps((projected.sources ?? []).flatMap(projectedFiles))) : []),
    ]
  })
}

const holdsFiles = ({ configMap, secret, downwardAPI, projected }: Volume) =>
  configMap ?? secret ?? downwardAPI ?? projected

function projectedFiles(source: VolumeProjection): FileAt[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap "${configMap.name ?? ''}"`)
  if (secret?.items) return filesOf(secret.items, `Secret "${secret.name ?? ''}"`)
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI')
  if (token) return [{ path: token.path, source: 'ServiceAccountToken' }]
  return bundle ? [{ path: bundle.path, source: `ClusterTrustBundle "${bundle.name ?? bundle.signerName ?? ''}"` }] : []
}

const filesOf = (items: Pick<KeyToPath, 'path'>[] | undefined, source: string): FileAt[] =>
  (items ?? []).map(({ path }) => ({ path, source }))

function overlaps(files: FileAt[]): string[] {
  if (files.length < 2) return []
  const before: FileAt[] = []
  return files.flatMap(({ path, source }) => {
    const file = { path: (path ?? '').replace(/\/+$/, ''), source }
    if (!file.path) return []
    const hits = before.filter(other => isWithin(file.path, other.path) || isWithin(other.path, file.path))
    before.push(file)
    return hits.map(other => `${show(file)} with ${show(other)}`)
  })
}

const isWithin = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)

const show = ({ path, source }: FileAt) => (source ? `${JSON.stringify(path)} (${source})` : JSON.stringify(path))
