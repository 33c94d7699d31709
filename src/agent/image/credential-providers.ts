import { join } from 'node:path'
import { parse } from 'yaml'
import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import { explain, OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { parseGoDuration } from '../../models/go-duration.ts'
import { fullName } from '../../runtime/image-reference.ts'
import { type Credentials, credentialsAmong, type Entry, fitsImage } from './credentials.ts'

/** What the node itself can show to registries, besides the pull secrets of pods. */
export interface NodeCredentials {
  /** The most specific first; none when nobody knows any. Never rejects but for the signal. */
  for(image: string, signal: AbortSignal): Promise<Credentials[]>
}

export interface CredentialProvidersOptions {
  /** A CredentialProviderConfig, as kubelet reads it. */
  configFile: string
  /** Where the programs are that it names. */
  folder: string
  disk: Disk
  commands: Commands
  clock: Clock
  log: Logger
}

/** The configuration of credential providers cannot be used. */
export class BadCredentialProviders extends OptiFlowError {}

/** One program that is asked for what a registry wants to see. */
interface Provider {
  name: string
  matchImages: string[]
  defaultCacheMs: number
  apiVersion: string
  args: string[]
  env: Record<string, string>
}

interface Answer {
  kind?: string
  apiVersion?: string
  cacheKeyType?: 'Image' | 'Registry' | 'Global'
  cacheDuration?: string
  auth?: Record<string, Entry> | null
}

interface Kept {
  auth: Record<string, Entry>
  untilMonoMs: number
}

const versions = ['v1', 'v1beta1', 'v1alpha1'].map(version => `credentialprovider.kubelet.k8s.io/${version}`)
const askMs = 60_000

/**
 * Programs that know what registries want to see, such as those of clouds. What one says is kept as long as it allows.
 * @throws BadCredentialProviders
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
 */
export async function openCredentialProviders(options: CredentialProvidersOptions): Promise<NodeCredentials> {
  return new CredentialProviders(options, await readProviders(options))
}

class CredentialProviders implements NodeCredentials {
  readonly #options: CredentialProvidersOptions
  readonly #providers: readonly Provider[]
  /** By provider, and by what its answer holds for. */
  readonly #kept = new Map<string, Kept>()
  /** By provider and image: pods that start together ask once. */
  readonly #asking = new Map<string, Promise<Record<string, Entry>>>()

  constructor(options: CredentialProvidersOptions, providers: readonly Provider[]) {
    this.#options = options
    this.#providers = providers
  }

  async for(image: string, signal: AbortSignal): Promise<Credentials[]> {
    const asked = this.#providers.filter(({ matchImages }) => matchImages.some(pattern => fitsImage(pattern, image)))
    const entries: [string, Entry][] = []
    for (const provider of asked) {
      entries.push(...Object.entries(await this.#entriesOf(provider, image)))
      signal.throwIfAborted()
    }
    return credentialsAmong(image, entries)
  }

  async #entriesOf(provider: Provider, image: string): Promise<Record<string, Entry>> {
    const now = this.#options.clock.monotonicMs()
    for (const place of placesFor(image)) {
      const kept = this.#kept.get(`${provider.name} ${place}`)
      if (kept && kept.untilMonoMs > now) return kept.auth
    }
    const key = `${provider.name} ${image}`
    let asking = this.#asking.get(key)
    if (!asking) {
      asking = this.#ask(provider, image).finally(() => this.#asking.delete(key))
      this.#asking.set(key, asking)
    }
    return asking
  }

  /** What fails is told, and the image is asked for without. */
  async #ask(provider: Provider, image: string): Promise<Record<string, Entry>> {
    const { commands, folder, clock, log } = this.#options
    const { name, args, env, apiVersion, defaultCacheMs } = provider
    try {
      const request = { kind: 'CredentialProviderRequest', apiVersion, image }
      const run = { stdin: JSON.stringify(request), env, timeoutMs: askMs }
      const { stdout } = await commands.run(join(folder, name), args, run)
      const answer = JSON.parse(stdout) as Answer
      const place = placeOf(answer, apiVersion, image)
      const auth = answer.auth ?? {}
      const keptMs = answer.cacheDuration === undefined ? defaultCacheMs : (parseGoDuration(answer.cacheDuration) ?? 0)
      if (keptMs > 0) this.#kept.set(`${name} ${place}`, { auth, untilMonoMs: clock.monotonicMs() + keptMs })
      return auth
    } catch (error) {
      log.warn({ provider: name, image, error: explain(error) }, 'credentials not had from their provider')
      return {}
    }
  }
}

const hostOf = (image: string): string => fullName(image).split('/')[0]!

/** What an answer may hold for, the narrowest first. */
const placesFor = (image: string): string[] => [`Image ${image}`, `Registry ${hostOf(image)}`, 'Global']

function placeOf({ kind, apiVersion, cacheKeyType }: Answer, wanted: string, image: string): string {
  if (kind !== 'CredentialProviderResponse' || apiVersion !== wanted)
    throw new Error(`it answered with ${apiVersion} ${kind} instead of ${wanted} CredentialProviderResponse`)
  const [ofImage, ofRegistry, global] = placesFor(image)
  const places = { Image: ofImage!, Registry: ofRegistry!, Global: global! }
  const place = cacheKeyType && places[cacheKeyType]
  if (!place) throw new Error(`its cacheKeyType is ${JSON.stringify(cacheKeyType)}, not Image, Registry or Global`)
  return place
}

async function readProviders({ configFile, folder, disk }: CredentialProvidersOptions): Promise<Provider[]> {
  const refuse = (what: string, cause?: unknown) =>
    new BadCredentialProviders(`${configFile}: ${what}`, {
      ...(cause === undefined ? {} : { cause }),
      hint: 'Mend the file that --image-credential-provider-config names.',
    })
  let config: any
  try {
    config = parse(await disk.readText(configFile), { maxAliasCount: 10 })
  } catch (cause) {
    throw refuse('it cannot be read as YAML', cause)
  }
  if (config?.kind !== 'CredentialProviderConfig') throw refuse(`kind is ${config?.kind}, not CredentialProviderConfig`)
  const list: unknown = config.providers
  if (!Array.isArray(list) || !list.length) throw refuse('providers names no provider')
  const providers: Provider[] = []
  for (const [at, one] of list.entries()) {
    const where = `providers[${at}]`
    const { name, matchImages, apiVersion, args = [], env = [] } = one ?? {}
    if (typeof name !== 'string' || !/^[^/\s]+$/.test(name) || name === '.' || name === '..')
      throw refuse(`${where}.name is ${JSON.stringify(name)}, not the name of a program`)
    if (providers.some(other => other.name === name)) throw refuse(`${where}.name is ${name}, as another's`)
    if (!Array.isArray(matchImages) || !matchImages.length) throw refuse(`${where}.matchImages is empty`)
    if (!versions.includes(apiVersion))
      throw refuse(`${where}.apiVersion is ${apiVersion}, not one of ${versions.join(', ')}`)
    const defaultCacheMs = parseGoDuration(String(one.defaultCacheDuration ?? ''))
    if (defaultCacheMs === undefined || defaultCacheMs < 0)
      throw refuse(`${where}.defaultCacheDuration is ${one.defaultCacheDuration}, not a duration such as 10m`)
    if (!(await disk.exists(join(folder, name)))) throw refuse(`${where}: there is no program ${join(folder, name)}`)
    const variables = Object.fromEntries(env.map((v: { name: string; value: string }) => [v.name, v.value]))
    providers.push({ name, matchImages, apiVersion, defaultCacheMs, args, env: variables })
  }
  return providers
}
