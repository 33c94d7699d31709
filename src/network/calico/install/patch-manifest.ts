import type { AnyObject } from '../../../models/object.ts'
import { BadManifest, type CalicoManifest, containerOf } from './manifest.ts'
import { backendOf, type ManifestSettings, poolModes } from './manifest-settings.ts'

interface EnvironmentEntry {
  name: string
  value?: string
  valueFrom?: object
}

/** Probes of BIRD, which runs with its own backend only. */
const birdProbes = ['-bird-live', '-bird-ready']

/**
 * The manifest as this cluster wants it: pool, encapsulation, MTU, and the ConfigMap by which nodes reach the API before there
 * is a pod network. The rest stays as its authors wrote it. Pure: the manifest is not changed.
 * @throws BadManifest when the settings do not fit the manifest
 */
export function patchManifest(manifest: CalicoManifest, settings: ManifestSettings): AnyObject[] {
  if (settings.etcd && manifest.datastore !== 'etcd')
    throw new BadManifest(
      'with --datastore etcd the manifest must be calico-etcd.yaml: this one keeps its objects in the API',
    )
  if (!settings.etcd && manifest.datastore === 'etcd')
    throw new BadManifest('this manifest keeps its objects in etcd', {
      hint: 'Say --datastore etcd --etcd-endpoints URL,…',
    })
  const objects = structuredClone(manifest.objects)
  for (const object of objects) {
    if (object.kind === 'ConfigMap' && object.metadata.name === 'calico-config') patchConfig(object, settings)
    if (object.kind === 'Secret' && object.metadata.name === 'calico-etcd-secrets') patchSecret(object, settings)
    if (object.kind === 'DaemonSet' && object.metadata.name === 'calico-node') patchDaemon(object, settings)
  }
  return [...objects, endpointConfig(objects, settings)]
}

function patchConfig(config: AnyObject, { encapsulation, mtu, etcd }: ManifestSettings): void {
  const data = (config['data'] ??= {})
  data['calico_backend'] = backendOf(encapsulation)
  if (mtu !== undefined) data['veth_mtu'] = String(mtu)
  if (!etcd) return
  data['etcd_endpoints'] = etcd.endpoints.join(',')
  for (const name of ['ca', 'cert', 'key'] as const)
    data[`etcd_${name}`] = etcd[name] ? `/calico-secrets/etcd-${name}` : ''
}

function patchSecret(secret: AnyObject, { etcd }: ManifestSettings): void {
  const files = (['ca', 'cert', 'key'] as const).flatMap(name => {
    const pem = etcd?.[name]
    return pem ? [[`etcd-${name}`, Buffer.from(pem).toString('base64')] as const] : []
  })
  if (files.length) secret['data'] = Object.fromEntries(files)
}

function patchDaemon(daemon: AnyObject, { encapsulation, podCidr }: ManifestSettings): void {
  const container = containerOf(daemon)
  const { ipipMode, vxlanMode } = poolModes(encapsulation)
  setEnvironment(container, 'CALICO_IPV4POOL_CIDR', podCidr)
  setEnvironment(container, 'CALICO_IPV4POOL_IPIP', ipipMode)
  setEnvironment(container, 'CALICO_IPV4POOL_VXLAN', vxlanMode)
  // The first address of the first interface may be another network's; the node has said which one it is known by.
  setEnvironment(container, 'IP_AUTODETECTION_METHOD', 'kubernetes-internal-ip', false)
  patchProbes(container, encapsulation)
}

function patchProbes(container: any, encapsulation: ManifestSettings['encapsulation']): void {
  const probes = [container.livenessProbe, container.readinessProbe].filter(probe => probe?.exec?.command)
  const bird = probes.some(({ exec }) => exec.command.some((argument: string) => birdProbes.includes(argument)))
  if (backendOf(encapsulation) === 'bird' && !bird)
    throw new BadManifest(`this manifest runs no BGP, which "${encapsulation}" needs`, {
      hint: 'Take calico.yaml of the same release, or --encapsulation vxlan.',
    })
  if (backendOf(encapsulation) === 'vxlan')
    for (const { exec } of probes)
      exec.command = exec.command.filter((argument: string) => !birdProbes.includes(argument))
}

/** @param over false: what the manifest says stays */
function setEnvironment(container: any, name: string, value: string, over = true): void {
  const env: EnvironmentEntry[] = (container.env ??= [])
  const at = env.findIndex(entry => entry.name === name)
  if (at < 0) env.push({ name, value })
  else if (over) env[at] = { name, value }
}

/** Read by every container of the DaemonSet (envFrom), where it beats the Service's address, which needs a proxy. */
function endpointConfig(objects: readonly AnyObject[], { api }: ManifestSettings): AnyObject {
  const namespace = objects.find(o => o.kind === 'DaemonSet')!.metadata.namespace ?? 'kube-system'
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubernetes-services-endpoint', namespace } as AnyObject['metadata'],
    data: { KUBERNETES_SERVICE_HOST: api.host, KUBERNETES_SERVICE_PORT: String(api.port) },
  }
}
