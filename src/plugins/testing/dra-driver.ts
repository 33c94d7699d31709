import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { servePlugin } from '../plugin-server.ts'
import { kubeletProtocol } from '../protocols.ts'

export interface TestDraDriverOptions {
  name: string
  /** `<kubelet>/plugins_registry` and `<kubelet>/plugins` */
  kubeletFolder: string
  /** Where it writes what its devices do to containers; absent: nowhere. */
  cdiFolder?: string
  /** gRPC service that it serves. */
  service?: string
  /** The devices that a claim has, by its uid. */
  devicesOf(uid: string): Promise<{ request: string; pool: string; device: string }[]>
}

export interface TestDraDriver extends AsyncDisposable {
  /** `prepare NAME`, `unprepare NAME`, in order. */
  calls: string[]
  /** What the next preparations answer; undefined: they work. */
  failure: string | undefined
}

/** A DRA driver of imagined cards: a container is told the names of its own as `CARD_<name>`. */
export async function startTestDraDriver(options: TestDraDriverOptions): Promise<TestDraDriver> {
  const { name, kubeletFolder, cdiFolder, devicesOf } = options
  const folder = join(kubeletFolder, 'plugins', name)
  const registry = join(kubeletFolder, 'plugins_registry')
  await mkdir(folder, { recursive: true })
  await mkdir(registry, { recursive: true })
  const sockets = { own: join(folder, 'dra.sock'), registration: join(registry, `${name}.sock`) }
  for (const socket of Object.values(sockets)) await rm(socket, { force: true })
  const fileOf = (uid: string) => join(cdiFolder ?? folder, `${name}-${uid}.json`)
  const prepare = async (uid: string) => {
    const devices = await devicesOf(uid)
    const kind = `${name}/card`
    const named = devices.map(({ device }) => ({
      name: `${uid}-${device}`,
      containerEdits: {
        env: [`CARD_${device}=yes`],
        deviceNodes: [{ path: `/dev/${device}`, hostPath: '/dev/zero', type: 'c', major: 1, minor: 5 }],
      },
    }))
    await writeFile(fileOf(uid), JSON.stringify({ cdiVersion: '0.5.0', kind, devices: named }))
    return devices.map(({ request, pool, device }) => ({
      request_names: [request],
      pool_name: pool,
      device_name: device,
      cdi_device_ids: [`${kind}=${uid}-${device}`],
    }))
  }
  const driver = { calls: [] as string[], failure: undefined as string | undefined }
  const forEach = async (
    claims: { uid: string; name: string }[],
    verb: string,
    one: (uid: string) => Promise<object>,
  ) => {
    const answers: Record<string, object> = {}
    for (const claim of claims) {
      driver.calls.push(`${verb} ${claim.name}`)
      answers[claim.uid] = await one(claim.uid)
    }
    return { claims: answers }
  }
  const server = await servePlugin(sockets.own, [
    {
      protocol: kubeletProtocol,
      service: options.service ?? 'k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin',
      methods: {
        NodePrepareResources: ({ claims }: any) =>
          forEach(claims, 'prepare', async uid =>
            driver.failure ? { error: driver.failure } : { devices: await prepare(uid) },
          ),
        NodeUnprepareResources: ({ claims }: any) =>
          forEach(claims, 'unprepare', async uid => {
            await rm(fileOf(uid), { force: true })
            return {}
          }),
      },
    },
  ])
  const registration = await servePlugin(sockets.registration, [
    {
      protocol: kubeletProtocol,
      service: 'pluginregistration.Registration',
      methods: {
        GetInfo: () => ({ type: 'DRAPlugin', name, endpoint: sockets.own, supported_versions: ['v1beta1.DRAPlugin'] }),
        NotifyRegistrationStatus: () => ({}),
      },
    },
  ])
  return Object.assign(driver, {
    async [Symbol.asyncDispose]() {
      await registration[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      for (const socket of Object.values(sockets)) await rm(socket, { force: true })
    },
  })
}
