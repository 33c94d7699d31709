import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal, servePlugin } from '../plugin-server.ts'
import { csiProtocol, kubeletProtocol } from '../protocols.ts'

export interface TestDriverOptions {
  name: string
  /** Where the driver keeps its volumes, whichever process it is. */
  folder: string
  /** Folder of its socket. */
  pluginFolder: string
  /** Where it registers itself with the node; absent: it does not. */
  registryFolder?: string
  nodeId: string
  topology?: Record<string, string>
  maxVolumes?: number
  /** Binds a folder or a device; the test says how, since only root can. */
  mount(from: string, to: string): Promise<void>
  unmount(path: string): Promise<void>
  isMounted(path: string): Promise<boolean>
  /** Node capabilities; all that it has unless given. */
  nodeCapabilities?: string[]
}

export interface TestDriver extends AsyncDisposable {
  socket: string
  /** Every call that changes something, as `NodeStageVolume vol-1`, in order. */
  calls: string[]
  /** The requests, by method, newest last. */
  requests: Record<string, any[]>
  /** Throws what the next call of this method answers. */
  fail(method: string, message: string, code?: ConstructorParameters<typeof Refusal>[0]): void
}

interface Kept {
  id: string
  bytes: number
  publishedTo: string[]
}

const allNodeCapabilities = ['STAGE_UNSTAGE_VOLUME', 'GET_VOLUME_STATS', 'EXPAND_VOLUME', 'SINGLE_NODE_MULTI_WRITER']

/** A small CSI driver whose volumes are folders: provisions, attaches, stages, publishes, grows. Restarts as often as one likes. */
export async function startTestDriver(options: TestDriverOptions): Promise<TestDriver> {
  const { name, folder, pluginFolder, registryFolder, mount, unmount, isMounted } = options
  const volumes = join(folder, 'volumes')
  await mkdir(volumes, { recursive: true })
  await mkdir(pluginFolder, { recursive: true })
  const socket = join(pluginFolder, 'csi.sock')
  const calls: string[] = []
  const requests: Record<string, any[]> = {}
  const failures = new Map<string, Refusal>()
  const pathOf = (id: string) => join(volumes, id)
  const metaOf = (id: string) => join(folder, `${id}.json`)
  const read = async (id: string): Promise<Kept> => {
    const text = await readFile(metaOf(id), 'utf8').catch(() => undefined)
    if (text === undefined) throw new Refusal('NOT_FOUND', `volume ${id} does not exist`)
    return JSON.parse(text)
  }
  const write = (kept: Kept) => writeFile(metaOf(kept.id), JSON.stringify(kept))
  const capabilities = (types: string[]) => ({ capabilities: types.map(type => ({ rpc: { type } })) })
  const noted =
    (method: string, work: (request: any) => Promise<object>) =>
    async (request: any): Promise<object> => {
      calls.push(`${method} ${request.volume_id ?? request.name}`)
      ;(requests[method] ??= []).push(request)
      const failure = failures.get(method)
      failures.delete(method)
      if (failure) throw failure
      return work(request)
    }
  const all = (methods: Record<string, (request: any) => Promise<object>>) =>
    Object.fromEntries(Object.entries(methods).map(([method, work]) => [method, noted(method, work)]))

  const controller = all({
    async CreateVolume({ name: wanted, capacity_range, parameters, volume_capabilities }) {
      const bytes = capacity_range?.required_bytes ?? 0
      const known = await read(wanted).catch(() => undefined)
      if (!known) await write({ id: wanted, bytes, publishedTo: [] })
      if (volume_capabilities[0]?.block) await writeFile(`${pathOf(wanted)}.block`, '')
      else await mkdir(pathOf(wanted), { recursive: true })
      return {
        volume: {
          volume_id: wanted,
          capacity_bytes: bytes,
          volume_context: { made: 'here', ...parameters },
          accessible_topology: options.topology ? [{ segments: options.topology }] : [],
        },
      }
    },
    async DeleteVolume({ volume_id }) {
      await rm(pathOf(volume_id), { recursive: true, force: true })
      await rm(`${pathOf(volume_id)}.block`, { force: true })
      await rm(metaOf(volume_id), { force: true })
      return {}
    },
    async ControllerPublishVolume({ volume_id, node_id }) {
      const kept = await read(volume_id)
      if (kept.publishedTo.some(id => id !== node_id))
        throw new Refusal('FAILED_PRECONDITION', `volume ${volume_id} is attached to ${kept.publishedTo}`)
      await write({ ...kept, publishedTo: [node_id] })
      return { publish_context: { device: `disk-of-${volume_id}` } }
    },
    async ControllerUnpublishVolume({ volume_id }) {
      const kept = await read(volume_id).catch(() => undefined)
      if (kept) await write({ ...kept, publishedTo: [] })
      return {}
    },
    async ControllerExpandVolume({ volume_id, capacity_range }) {
      const kept = await read(volume_id)
      await write({ ...kept, bytes: Math.max(kept.bytes, capacity_range.required_bytes) })
      return { capacity_bytes: Math.max(kept.bytes, capacity_range.required_bytes), node_expansion_required: true }
    },
  })
  const bind = async (from: string, to: string) => {
    if (!(await isMounted(to))) await mount(from, to)
  }
  const release = async (path: string) => {
    if (await isMounted(path)) await unmount(path)
  }
  const node = all({
    async NodeStageVolume({ volume_id, staging_target_path, volume_capability, publish_context }) {
      const kept = await read(volume_id)
      if (kept.publishedTo.length && publish_context.device !== `disk-of-${volume_id}`)
        throw new Refusal('INVALID_ARGUMENT', 'no publish context')
      if (!volume_capability.block) await bind(pathOf(volume_id), staging_target_path)
      return {}
    },
    async NodeUnstageVolume({ staging_target_path }) {
      await release(staging_target_path)
      return {}
    },
    async NodePublishVolume({ volume_id, staging_target_path, target_path, volume_capability, volume_context }) {
      if (volume_capability.block) {
        await writeFile(target_path, '', { flag: 'a' })
        await bind('/dev/zero', target_path)
        return {}
      }
      await mkdir(target_path, { recursive: true })
      if (volume_context['csi.storage.k8s.io/ephemeral'] === 'true') {
        await mkdir(pathOf(volume_id), { recursive: true })
        await bind(pathOf(volume_id), target_path)
      } else await bind(staging_target_path || pathOf(volume_id), target_path)
      return {}
    },
    async NodeUnpublishVolume({ volume_id, target_path }) {
      await release(target_path)
      await rm(target_path, { recursive: true, force: true })
      if (volume_id.startsWith('csi-')) await rm(pathOf(volume_id), { recursive: true, force: true })
      return {}
    },
    async NodeExpandVolume({ capacity_range }) {
      return { capacity_bytes: capacity_range.required_bytes }
    },
  })
  const csi = (service: string, methods: Record<string, any>) => ({
    protocol: csiProtocol,
    service: `csi.v1.${service}`,
    methods,
  })
  await rm(socket, { force: true })
  const server = await servePlugin(socket, [
    csi('Identity', {
      GetPluginInfo: () => ({ name, vendor_version: '1' }),
      GetPluginCapabilities: () => ({ capabilities: [{ service: { type: 'CONTROLLER_SERVICE' } }] }),
      Probe: () => ({ ready: { value: true } }),
    }),
    csi('Controller', {
      ...controller,
      ControllerGetCapabilities: () =>
        capabilities(['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME', 'EXPAND_VOLUME', 'SINGLE_NODE_MULTI_WRITER']),
    }),
    csi('Node', {
      ...node,
      NodeGetCapabilities: () => capabilities(options.nodeCapabilities ?? allNodeCapabilities),
      NodeGetInfo: () => ({
        node_id: options.nodeId,
        max_volumes_per_node: options.maxVolumes ?? 0,
        ...(options.topology ? { accessible_topology: { segments: options.topology } } : {}),
      }),
      NodeGetVolumeStats: async ({ volume_id }: any) => ({
        usage: [
          { unit: 'BYTES', total: (await read(volume_id)).bytes, used: 4096, available: 0 },
          { unit: 'INODES', total: 100, used: (await readdir(pathOf(volume_id))).length, available: 90 },
        ],
      }),
    }),
  ])
  const registration = registryFolder ? await register(registryFolder, name, socket) : undefined
  return {
    socket,
    calls,
    requests,
    fail: (method, message, code = 'INTERNAL') => void failures.set(method, new Refusal(code, message)),
    async [Symbol.asyncDispose]() {
      await registration?.[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      if (registryFolder) await rm(join(registryFolder, `${name}-reg.sock`), { force: true })
      await rm(socket, { force: true })
    },
  }
}

/** What node-driver-registrar does for a driver. */
async function register(registryFolder: string, name: string, endpoint: string): Promise<AsyncDisposable> {
  await mkdir(registryFolder, { recursive: true })
  const socket = join(registryFolder, `${name}-reg.sock`)
  await rm(socket, { force: true })
  return servePlugin(socket, [
    {
      protocol: kubeletProtocol,
      service: 'pluginregistration.Registration',
      methods: {
        GetInfo: () => ({ type: 'CSIPlugin', name, endpoint, supported_versions: ['1.0.0'] }),
        NotifyRegistrationStatus: () => ({}),
      },
    },
  ])
}
