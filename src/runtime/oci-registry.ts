import type { HttpAnswer, HttpListener, HttpQuestion, ListenHttp } from '../base/http-listener.ts'
import { bracketed } from '../base/ip.ts'
import type { Blob, OciImage } from './oci-image.ts'

export interface RegistryOptions {
  listenHttp: ListenHttp
  /** Loopback only unless you know who listens. Default 127.0.0.1. */
  host?: string
  /** Default 0: any free one. */
  port?: number
  /** Repositories (or `*`) that want a user name and a password. */
  secrets?: Record<string, { username: string; password: string }>
  /** Told of every request, for tests. */
  onRequest?: (method: string, path: string) => void
}

/** The pull side of the OCI distribution protocol over images in memory: what a demo or a test pulls from. */
export interface OciRegistry extends AsyncDisposable {
  /** `127.0.0.1:45123`, the first part of the images' names. */
  readonly address: string
  /** Adds an image under `repository:tag`; the old one of that tag can still be pulled by digest. Returns the name to pull it by. */
  push(repository: string, tag: string, image: OciImage): string
}

/** Serves images in memory to container runtimes on this machine. */
export async function openRegistry(options: RegistryOptions): Promise<OciRegistry> {
  const blobs = new Map<string, Blob>()
  /** `repository` → tag or digest → digest of the manifest. */
  const repositories = new Map<string, Map<string, string>>()
  const host = options.host ?? '127.0.0.1'
  const listener: HttpListener = await options.listenHttp(host, options.port ?? 0, async question => {
    options.onRequest?.(question.method, question.path)
    return answer(question)
  })
  const address = `${bracketed(host)}:${listener.port}`

  return {
    address,
    push(repository, tag, image) {
      for (const blob of [image.manifest, image.config, ...image.layers]) blobs.set(blob.digest, blob)
      const names = repositories.get(repository) ?? new Map<string, string>()
      names.set(tag, image.manifest.digest).set(image.manifest.digest, image.manifest.digest)
      repositories.set(repository, names)
      return `${address}/${repository}:${tag}`
    },
    [Symbol.asyncDispose]: () => listener.close(),
  }

  function answer({ method, path, headers }: HttpQuestion): HttpAnswer {
    if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'UNSUPPORTED', 'this registry is read-only')
    if (path === '/v2/' || path === '/v2')
      return unauthorized('*', headers) ?? { status: 200, headers: version, body: '{}' }
    const [, repository = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? []
    const refused = unauthorized(repository, headers)
    if (refused) return refused
    const names = repositories.get(repository)
    if (!names) return refuse(404, 'NAME_UNKNOWN', `repository ${repository} is not known`)
    if (kind === 'tags')
      return json(200, { name: repository, tags: [...names.keys()].filter(name => !name.startsWith('sha256:')) })
    const blob = blobs.get(kind === 'manifests' ? (names.get(reference) ?? reference) : reference)
    if (!blob)
      return kind === 'manifests'
        ? refuse(404, 'MANIFEST_UNKNOWN', `manifest ${reference} is not known`)
        : refuse(404, 'BLOB_UNKNOWN', `blob ${reference} is not known`)
    return {
      status: 200,
      headers: {
        ...version,
        'content-type': kind === 'manifests' ? blob.mediaType : 'application/octet-stream',
        'docker-content-digest': blob.digest,
        'content-length': String(blob.bytes.length),
      },
      ...(method === 'HEAD' ? {} : { body: blob.bytes }),
    }
  }

  function unauthorized(repository: string, headers: Record<string, string | undefined>): HttpAnswer | undefined {
    const secret = options.secrets?.[repository] ?? options.secrets?.['*']
    if (!secret) return undefined
    const wanted = `Basic ${Buffer.from(`${secret.username}:${secret.password}`).toString('base64')}`
    if (headers['authorization'] === wanted) return undefined
    const refused = refuse(401, 'UNAUTHORIZED', 'authentication required')
    return { ...refused, headers: { ...refused.headers, 'www-authenticate': 'Basic realm="optiflow registry"' } }
  }
}

const version = { 'docker-distribution-api-version': 'registry/2.0' }

function json(status: number, value: object): HttpAnswer {
  return { status, headers: { ...version, 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

function refuse(status: number, code: string, message: string): HttpAnswer {
  return json(status, { errors: [{ code, message }] })
}
