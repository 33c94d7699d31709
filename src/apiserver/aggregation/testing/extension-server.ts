import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type OutsideServer, startOutsideServer } from '../../testing/outside-server.ts'

/** A little extension API server: flunders of wardle.example.com/v1alpha1, in memory. Its user is whom we say. */
export interface ExtensionServer extends OutsideServer {
  /** Raw headers of the last request that was no question of the API server itself. */
  lastHeaders: [string, string][]
  /** Answers everything with this instead, when set. */
  status: number | undefined
}

export const group = 'wardle.example.com'
const groupVersion = `${group}/v1alpha1`
const collection = /^\/apis\/wardle\.example\.com\/v1alpha1(?:\/namespaces\/([^/]+))?\/flunders(?:\/([^/]+))?$/

interface Flunder {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; labels?: Record<string, string> }
}

export const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [
    {
      ...{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', shortNames: ['fl'] },
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    },
    { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get', 'patch', 'update'] },
  ],
}

const definition = 'com.example.wardle.v1alpha1.Flunder'
const operation = { 'x-kubernetes-group-version-kind': { group, version: 'v1alpha1', kind: 'Flunder' } }
const flunderSchema = {
  type: 'object',
  description: 'A flunder of an extension server.',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' } as object,
    spec: { type: 'object', properties: { reference: { type: 'string', description: 'What it is of.' } } },
  },
  'x-kubernetes-group-version-kind': [operation['x-kubernetes-group-version-kind']],
}
const swagger = {
  swagger: '2.0',
  info: { title: 'wardle', version: 'v1' },
  paths: {
    '/apis/': { get: {} },
    [`/apis/${groupVersion}/namespaces/{namespace}/flunders`]: {
      post: { responses: { 201: { schema: { $ref: `#/definitions/${definition}` } } }, ...operation },
    },
  },
  definitions: {
    [definition]: {
      ...flunderSchema,
      properties: {
        ...flunderSchema.properties,
        metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
      },
    },
    'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object', description: 'another one' },
    'com.example.Unused': { type: 'object' },
  },
}
const openApiV3 = {
  openapi: '3.0.0',
  info: { title: 'wardle', version: 'v1' },
  paths: {
    [`/apis/${groupVersion}/namespaces/{namespace}/flunders`]: {
      post: {
        responses: {
          201: { content: { 'application/json': { schema: { $ref: `#/components/schemas/${definition}` } } } },
        },
        ...operation,
      },
    },
  },
  components: { schemas: { [definition]: flunderSchema } },
}

/** @param clientCa PEM of the front-proxy authority: others are turned away */
export async function startExtensionServer(name: string, clientCa: string): Promise<ExtensionServer> {
  const flunders = new Map<string, Flunder>()
  const watchers = new Set<ServerResponse>()
  let revision = 1

  const publish = (type: string, object: Flunder) => {
    for (const watcher of watchers) watcher.write(`${JSON.stringify({ type, object })}\n`)
  }
  const outside = await startOutsideServer(
    name,
    (request, response, body) => {
      const url = new URL(request.url!, 'https://x')
      const user = request.headers['x-remote-user']
      const { authorized } = request.socket as unknown as { authorized: boolean }
      if (!authorized || !user) send(response, 401, failure('Unauthorized', 401))
      else {
        if (user !== 'system:kube-aggregator') self.lastHeaders = pairs(request)
        const document = self.status === undefined ? documents(url.pathname) : {}
        if (document) send(response, self.status ?? 200, document)
        else if (url.pathname.endsWith('/elsewhere'))
          response.writeHead(302, { location: 'https://10.0.0.1/secret' }).end()
        else serveFlunders(request, response, url, body)
      }
    },
    clientCa,
  )
  const self: ExtensionServer = Object.assign(outside, { lastHeaders: [] as [string, string][], status: undefined })
  outside.server.on('upgrade', (_request: IncomingMessage, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })

  function serveFlunders(request: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): void {
    const [path, namespace, name] = collection.exec(url.pathname) ?? []
    const all = [...flunders.values()].filter(f => namespace === undefined || f.metadata.namespace === namespace)
    const one = flunders.get(`${namespace}/${name}`)
    if (path === undefined || (name && !one)) send(response, 404, failure('NotFound', 404))
    else if (request.method === 'POST') send(response, 201, create(JSON.parse(body.toString()), namespace!))
    else if (request.method === 'DELETE') {
      for (const flunder of one ? [one] : all) remove(flunder)
      send(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
    } else if (one) send(response, 200, one)
    else if (url.searchParams.has('watch')) watch(response)
    else {
      const metadata = { resourceVersion: String(revision) }
      send(response, 200, { kind: 'FlunderList', apiVersion: groupVersion, metadata, items: all })
    }
  }

  function create(flunder: Flunder, namespace: string): Flunder {
    Object.assign(flunder.metadata, { namespace, uid: `u${revision}`, resourceVersion: String(revision++) })
    flunders.set(`${namespace}/${flunder.metadata.name}`, flunder)
    publish('ADDED', flunder)
    return flunder
  }

  function remove(flunder: Flunder): void {
    flunders.delete(`${flunder.metadata.namespace}/${flunder.metadata.name}`)
    publish('DELETED', flunder)
  }

  function watch(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    watchers.add(response)
    response.on('close', () => watchers.delete(response))
  }
  return self
}

/** What there is besides flunders. */
function documents(path: string): object | undefined {
  switch (path) {
    case `/apis/${groupVersion}`:
      return resourceList
    case '/openapi/v2':
      return swagger
    case '/openapi/v3': {
      const hash = createHash('sha1').update(JSON.stringify(openApiV3)).digest('hex')
      const serverRelativeURL = `/openapi/v3/apis/${groupVersion}?hash=${hash}`
      return { paths: { [`apis/${groupVersion}`]: { serverRelativeURL } } }
    }
    case `/openapi/v3/apis/${groupVersion}`:
      return openApiV3
  }
  return undefined
}

const failure = (reason: string, code: number) => ({
  ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code },
  message: reason === 'NotFound' ? 'no such flunder' : 'a front proxy must say who asks',
})

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function pairs({ rawHeaders }: IncomingMessage): [string, string][] {
  return rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), rawHeaders[i + 1]!] as [string, string]]))
}

/** The APIService that sends its version to the Service `api` of namespace `default`. */
export const apiService = (caBundle: string, more: object = {}) => ({
  kind: 'APIService',
  apiVersion: 'apiregistration.k8s.io/v1',
  metadata: { name: `v1alpha1.${group}` },
  spec: {
    ...{ group, version: 'v1alpha1', groupPriorityMinimum: 2000, versionPriority: 200, caBundle },
    service: { namespace: 'default', name: 'api' },
    ...more,
  },
})
