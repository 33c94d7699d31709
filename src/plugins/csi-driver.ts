import type { Clock } from '../base/clock.ts'
import { PluginSocket } from './plugin-socket.ts'
import { csiProtocol } from './protocols.ts'

/** What a pod or a claim wants a volume to be. */
export interface VolumeCapability {
  access_mode: { mode: AccessMode }
  block?: object
  mount?: { fs_type: string; mount_flags: string[]; volume_mount_group?: string }
}

export type AccessMode =
  | 'SINGLE_NODE_WRITER'
  | 'SINGLE_NODE_READER_ONLY'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_MULTI_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER'

type Texts = Record<string, string>

export interface CreatedVolume {
  capacity_bytes: number
  volume_id: string
  volume_context: Texts
  accessible_topology: { segments: Texts }[]
}

export interface NodeInfo {
  node_id: string
  /** 0: no limit. */
  max_volumes_per_node: number
  accessible_topology: { segments: Texts } | null
}

export interface VolumeUsage {
  available: number
  total: number
  used: number
  unit: 'BYTES' | 'INODES' | 'UNKNOWN'
}

/** What a driver says of a volume's health. */
export interface VolumeCondition {
  abnormal: boolean
  message: string
}

interface Capabilities {
  capabilities: { rpc: { type: string } | null }[]
}

/** A CSI driver at its socket: its calls by their own names. All of them may be repeated. @throws PluginAway, PluginRefused */
export class CsiDriver implements Disposable {
  readonly #socket: PluginSocket
  #nodeCan: Promise<Set<string>> | undefined
  #controllerCan: Promise<Set<string>> | undefined

  constructor(socket: string, clock: Clock) {
    this.#socket = new PluginSocket(socket, clock)
  }

  get socket(): string {
    return this.#socket.path
  }

  info(): Promise<{ name: string; vendor_version: string }> {
    return this.#call('Identity', 'GetPluginInfo', {})
  }

  nodeInfo(): Promise<NodeInfo> {
    return this.#call('Node', 'NodeGetInfo', {})
  }

  /** Such as STAGE_UNSTAGE_VOLUME. */
  async nodeCan(what: string): Promise<boolean> {
    this.#nodeCan ??= this.#capabilities('Node', 'NodeGetCapabilities', () => (this.#nodeCan = undefined))
    return (await this.#nodeCan).has(what)
  }

  /** Such as PUBLISH_UNPUBLISH_VOLUME. */
  async controllerCan(what: string): Promise<boolean> {
    this.#controllerCan ??= this.#capabilities(
      'Controller',
      'ControllerGetCapabilities',
      () => (this.#controllerCan = undefined),
    )
    return (await this.#controllerCan).has(what)
  }

  async createVolume(request: {
    name: string
    capacity_range: { required_bytes: number }
    volume_capabilities: VolumeCapability[]
    parameters: Texts
    secrets: Texts
    accessibility_requirements?: { requisite: { segments: Texts }[]; preferred: { segments: Texts }[] }
  }): Promise<CreatedVolume> {
    const { volume } = await this.#call<{ volume: CreatedVolume }>('Controller', 'CreateVolume', request)
    return volume
  }

  deleteVolume(request: { volume_id: string; secrets: Texts }): Promise<object> {
    return this.#call('Controller', 'DeleteVolume', request)
  }

  publishToNode(request: {
    volume_id: string
    node_id: string
    volume_capability: VolumeCapability
    readonly: boolean
    secrets: Texts
    volume_context: Texts
  }): Promise<{ publish_context: Texts }> {
    return this.#call('Controller', 'ControllerPublishVolume', request)
  }

  unpublishFromNode(request: { volume_id: string; node_id: string; secrets: Texts }): Promise<object> {
    return this.#call('Controller', 'ControllerUnpublishVolume', request)
  }

  expandVolume(request: {
    volume_id: string
    capacity_range: { required_bytes: number }
    secrets: Texts
    volume_capability: VolumeCapability
  }): Promise<{ capacity_bytes: number; node_expansion_required: boolean }> {
    return this.#call('Controller', 'ControllerExpandVolume', request)
  }

  /** How much room is left in a part of the topology, for volumes of a class with these parameters. */
  capacity(request: {
    parameters: Texts
    accessible_topology: { segments: Texts }
  }): Promise<{ available_capacity: number; maximum_volume_size: { value: number } | null }> {
    return this.#call('Controller', 'GetCapacity', request)
  }

  /** A page of all volumes; `next_token` is empty on the last one. */
  volumes(request: { starting_token: string }): Promise<{
    entries: { volume: { volume_id: string } | null; status: { volume_condition: VolumeCondition | null } | null }[]
    next_token: string
  }> {
    return this.#call('Controller', 'ListVolumes', request)
  }

  volume(request: { volume_id: string }): Promise<{ status: { volume_condition: VolumeCondition | null } | null }> {
    return this.#call('Controller', 'ControllerGetVolume', request)
  }

  stage(request: {
    volume_id: string
    publish_context: Texts
    staging_target_path: string
    volume_capability: VolumeCapability
    secrets: Texts
    volume_context: Texts
  }): Promise<object> {
    return this.#call('Node', 'NodeStageVolume', request)
  }

  unstage(request: { volume_id: string; staging_target_path: string }): Promise<object> {
    return this.#call('Node', 'NodeUnstageVolume', request)
  }

  publish(request: {
    volume_id: string
    publish_context: Texts
    staging_target_path: string
    target_path: string
    volume_capability: VolumeCapability
    readonly: boolean
    secrets: Texts
    volume_context: Texts
  }): Promise<object> {
    return this.#call('Node', 'NodePublishVolume', request)
  }

  unpublish(request: { volume_id: string; target_path: string }): Promise<object> {
    return this.#call('Node', 'NodeUnpublishVolume', request)
  }

  stats(request: {
    volume_id: string
    volume_path: string
    staging_target_path: string
  }): Promise<{ usage: VolumeUsage[]; volume_condition: VolumeCondition | null }> {
    return this.#call('Node', 'NodeGetVolumeStats', request)
  }

  expandOnNode(request: {
    volume_id: string
    volume_path: string
    capacity_range: { required_bytes: number }
    staging_target_path: string
    volume_capability: VolumeCapability
    secrets: Texts
  }): Promise<{ capacity_bytes: number }> {
    return this.#call('Node', 'NodeExpandVolume', request)
  }

  [Symbol.dispose]() {
    this.#socket[Symbol.dispose]()
  }

  #call<T>(service: string, name: string, request: object): Promise<T> {
    return this.#socket.call<T>(csiProtocol, `csi.v1.${service}`, name, request)
  }

  async #capabilities(service: string, name: string, forget: () => void): Promise<Set<string>> {
    try {
      const { capabilities } = await this.#call<Capabilities>(service, name, {})
      return new Set(capabilities.flatMap(c => c.rpc?.type ?? []))
    } catch (error) {
      forget()
      throw error
    }
  }
}

/** A driver as controllers see it. */
export type CsiController = Pick<
  CsiDriver,
  | 'controllerCan'
  | 'createVolume'
  | 'deleteVolume'
  | 'publishToNode'
  | 'unpublishFromNode'
  | 'expandVolume'
  | 'capacity'
  | 'volumes'
  | 'volume'
>
