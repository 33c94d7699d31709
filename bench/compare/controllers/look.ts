import { type Difference, differencesOf } from '../differences.ts'
import type { Json } from '../side.ts'
import { masked } from '../told.ts'
import { type Place, placeOf } from './places.ts'
import type { Scene } from './scene.ts'

/** The objects of a story, by kind, without what differs between any two clusters. */
export type Look = Map<string, Json[]>

/** @returns also the versions of all of them: while these change, the cluster is at work */
export async function lookAt(scene: Scene, kinds: readonly string[]): Promise<{ look: Look; versions: string }> {
  const look: Look = new Map()
  const versions: string[] = []
  const read: Promise<{ place: Place; items: Json[] }>[] = kinds.map(async plural => {
    const place = placeOf(plural)
    const query = place.namespaced ? '' : `?labelSelector=story%3D${scene.namespace}`
    return { place, items: (await scene.side.json('GET', `${scene.path(place)}${query}`)).items }
  })
  const all = await Promise.all(read)
  noteHashes(
    all.flatMap(({ items }) => items),
    scene,
  )
  for (const { place, items } of all) {
    versions.push(...items.map(({ metadata }: Json) => `${metadata.name} ${metadata.resourceVersion}`))
    if (place.kind === 'Event') look.set('Event', eventsOf(items, scene))
    else
      look.set(
        place.kind,
        items.map((item: Json) => plain(item, scene)),
      )
  }
  return { look, versions: versions.join() }
}

/** Each side has hashes of its own for templates: they are numbered in the order in which they came. */
function noteHashes(items: Json[], { hashes }: Scene): void {
  const found = items
    .map(({ metadata }) => ({
      at: metadata.creationTimestamp,
      hash: hashLabels.map(name => metadata.labels?.[name]).find(Boolean),
    }))
    .filter(({ hash }) => hash)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
  for (const { hash } of found) {
    const word = hash.replace(/^.*-/, '')
    if (!hashes.has(word)) hashes.set(word, `<template ${hashes.size + 1}>`)
  }
}

const hashLabels = ['pod-template-hash', 'controller-revision-hash', 'controller.kubernetes.io/hash']

/** What pods and other numbered objects are called at the end, in Kubernetes' own alphabet. */
const madeUp = /-[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])/g
const address = /\b10\.244\.2\d\d\.\d+\b/g

function plain(item: Json, { side, hashes }: Scene): Json {
  const copy = renamed(masked(item, side), hashes)
  delete copy.apiVersion
  delete copy.kind
  // How many writes led here, which part of the cluster's network was free, and what was signed, differ from run to run.
  if (copy.endpoints) {
    delete copy.metadata.generation
    delete copy.metadata.generateName
  }
  for (const field of ['podCIDR', 'podCIDRs']) if (copy.spec?.[field]) copy.spec[field] = '<network>'
  if (copy.status?.certificate) copy.status.certificate = '<certificate>'
  if (copy.data?.token) copy.data.token = '<token>'
  // Of each manager only that it wrote something: which fields of an object it sends is its own affair.
  copy.metadata.managedFields = [
    ...new Set(
      copy.metadata.managedFields?.map(
        (entry: Json) => `${entry.manager} ${entry.operation} ${entry.subresource ?? ''}`,
      ),
    ),
  ].sort()
  return copy
}

/** Lists whose order means nothing, by the field that orders them here. */
const unordered: Record<string, (item: Json) => string> = {
  conditions: item => item.type,
  endpoints: item => JSON.stringify(item),
  addresses: item => JSON.stringify(item),
  notReadyAddresses: item => JSON.stringify(item),
  ownerReferences: item => item.name,
  ports: item => `${item.name} ${item.port}`,
}

function renamed(value: Json, hashes: Scene['hashes'], key = ''): Json {
  if (typeof value === 'string') {
    const text = value.replace(madeUp, '-*').replace('<made up>', '*').replace(address, '<pod>')
    return text.replace(/\b[a-z0-9]{6,10}\b/g, word => hashes.get(word) ?? word)
  }
  if (Array.isArray(value)) {
    const items = value.map(item => renamed(item, hashes))
    const by = unordered[key]
    return by ? items.sort((a, b) => (by(a) < by(b) ? -1 : 1)) : items
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, renamed(inner, hashes, name)]))
}

/** Those that say the same are one. */
function eventsOf(items: Json[], { side, hashes }: Scene): Json[] {
  const told = items.map(event => {
    const { involvedObject: object, type, reason, message, action, source, reportingComponent } = event
    const about = `${object.kind} ${object.name}${object.fieldPath ? ` ${object.fieldPath}` : ''}`
    // Kubernetes forgets this one where it combines events.
    const reporting = message.startsWith('(combined') ? {} : { reportingComponent }
    const all = { about, apiVersion: object.apiVersion, type, reason, message, action, source, ...reporting }
    return renamed(masked(all, side), hashes)
  })
  return [...new Map(told.map(event => [JSON.stringify(event), event])).values()]
}

/** Objects that are equal are one pair; what is left, in the order of their names. */
export function compareLooks(ours: Look, theirs: Look): Difference[] {
  const found: Difference[] = []
  for (const [kind, theirItems] of theirs) {
    const theirRest = new Map<string, Json[]>()
    for (const item of theirItems) push(theirRest, canonical(item), item)
    const ourRest = ours.get(kind)!.filter(item => !theirRest.get(canonical(item))?.pop())
    const left = [...theirRest.values()].flat()
    const byName = new Map<string, Json[]>()
    for (const item of left) push(byName, nameOf(item), item)
    for (const item of ourRest) {
      const pair = byName.get(nameOf(item))?.shift()
      if (!pair)
        found.push({
          cause: `${kind}${reasonOf(item)}: not in Kubernetes`,
          ours: JSON.stringify(item).slice(0, 600),
          theirs: '',
        })
      else
        for (const difference of differencesOf(answer(item), answer(pair)))
          found.push({ ...difference, cause: `${kind}${reasonOf(item)}: ${difference.cause}` })
    }
    for (const item of [...byName.values()].flat())
      found.push({
        cause: `${kind}${reasonOf(item)}: only in Kubernetes`,
        ours: '',
        theirs: JSON.stringify(item).slice(0, 600),
      })
  }
  return found
}

const answer = (body: Json) => ({ status: 200, headers: {}, body })
/** What else tells those with made-up names apart. */
const nameOf = (item: Json): string =>
  item.metadata
    ? [
        item.metadata.name,
        item.spec?.nodeName,
        item.addressType,
        item.ports?.[0]?.name,
        item.metadata.ownerReferences?.[0]?.kind,
      ].join()
    : `${item.about} ${item.reason}`
const reasonOf = ({ reason }: Json) => (reason ? ` ${reason}` : '')
const canonical = (value: Json): string =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

function push(map: Map<string, Json[]>, key: string, item: Json): void {
  const items = map.get(key)
  if (items) items.push(item)
  else map.set(key, [item])
}
