import { createHash } from 'node:crypto'
import { OptiFlowError } from '../../../base/errors.ts'
import type { AnyObject } from '../../../models/object.ts'
import { parseYamlDocuments } from '../../../models/yaml.ts'
import { calicoGroup } from '../kinds/calico-kind.ts'

/** Calico's own manifest, as its project publishes it, read and recognised. */
export interface CalicoManifest {
  /** `v3.32.1`, from the image of calico-node. */
  version: string
  datastore: 'kubernetes' | 'etcd'
  objects: AnyObject[]
}

/** The manifest is not what was asked for; nothing was done. */
export class BadManifest extends OptiFlowError {}

/** What is taken when nobody names a manifest; digests of the files as published with the release. */
const release = 'v3.32.1'
const published = (file: string, sha256: string) => ({
  url: `https://raw.githubusercontent.com/projectcalico/calico/${release}/manifests/${file}`,
  sha256,
})
export const publishedManifests = {
  vxlan: published('calico-vxlan.yaml', 'c2ab4f9a4ecde01d66e6f040d6745cd7f174d5ded573164c809ffb9f40a9d566'),
  bird: published('calico.yaml', 'a1df919d9721cf667accdc3e72848911b0cb25cfab7d2478ad0c996302c95744'),
}

/** Releases whose manifests have the shape that we patch. From 3.33 on images and commands are others. */
const oldest = [3, 28] as const
const newest = [3, 32] as const

/** @throws BadManifest when the text is not the one that `sha256` says */
export function verifyDigest(text: string, sha256: string, source: string): void {
  if (!/^[0-9a-f]{64}$/i.test(sha256))
    throw new BadManifest(`"${sha256}" is no SHA-256 digest`, { hint: 'It has 64 hexadecimal digits.' })
  const found = createHash('sha256').update(text).digest('hex')
  if (found !== sha256.toLowerCase())
    throw new BadManifest(`${source} has the SHA-256 digest ${found}, not ${sha256}`, {
      hint: 'Somebody changed it, or it is another version: compare it with the release before you take its digest.',
    })
}

/**
 * Reads and recognises a manifest.
 * @throws BadManifest: no manifest of Calico's, the operator's, or of a version that is not known
 */
export function readManifest(text: string, source: string): CalicoManifest {
  const objects = parse(text, source)
  const daemon = objects.find(o => o.kind === 'DaemonSet' && o.metadata?.name === 'calico-node')
  if (!daemon) {
    const operator = objects.some(
      o => String(o.apiVersion).startsWith('operator.tigera.io') || o.metadata?.name === 'tigera-operator',
    )
    throw new BadManifest(`${source} has no DaemonSet calico-node${operator ? ": it is the operator's" : ''}`, {
      hint: 'Take calico.yaml, calico-vxlan.yaml or calico-typha.yaml of a release.',
    })
  }
  const container = containerOf(daemon)
  if (!container) throw new BadManifest(`${source}: its DaemonSet has no container calico-node`)
  const custom = objects.some(o => o.kind === 'CustomResourceDefinition' && o['spec']?.group === calicoGroup)
  const etcd = objects.some(o => o.kind === 'ConfigMap' && o['data']?.etcd_endpoints !== undefined)
  if (!custom && !etcd)
    throw new BadManifest(`${source} has neither definitions of ${calicoGroup} nor etcd_endpoints`, {
      hint: 'Take the whole manifest of a release.',
    })
  return { version: versionOf(container.image), datastore: etcd ? 'etcd' : 'kubernetes', objects }
}

/** @throws BadManifest */
export function checkVersion({ version }: CalicoManifest): void {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? []
  const number = Number(major) * 1000 + Number(minor)
  const from = oldest[0] * 1000 + oldest[1]
  const to = newest[0] * 1000 + newest[1]
  if (!(number >= from && number <= to))
    throw new BadManifest(
      `Calico ${version} is not one of the releases that this program knows: v${oldest.join('.')} to v${newest.join('.')}`,
      {
        hint: `Take ${release}, or say --any-version if you have read what changed.`,
      },
    )
}

/** The tag of an image: `v3.32.1`. */
export const versionOf = (image: string | undefined): string => /:([^:/@]+)(@|$)/.exec(image ?? '')?.[1] ?? 'unknown'

/** The container calico-node of its DaemonSet. */
export function containerOf(daemon: AnyObject): any {
  return daemon['spec']?.template?.spec?.containers?.find((c: { name: string }) => c.name === 'calico-node')
}

function parse(text: string, source: string): AnyObject[] {
  let values: unknown[]
  try {
    values = parseYamlDocuments(text).map(({ value }) => value)
  } catch (cause) {
    throw new BadManifest(`${source} is no YAML`, { cause })
  }
  for (const value of values as AnyObject[])
    if (typeof value?.apiVersion !== 'string' || typeof value.kind !== 'string' || !value.metadata?.name)
      throw new BadManifest(`${source}: an object without apiVersion, kind or name`)
  return values as AnyObject[]
}
