import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { Pace } from '../../base/pace.ts'
import type { Rate } from '../../base/token-buckets.ts'
import type { EventRecorder } from '../../client/index.ts'
import { Secret } from '../../models/kinds/core/secret.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { registryOf } from '../../runtime/image-reference.ts'
import { ImagePullFailed, type ImageRef, type Runtime } from '../../runtime/runtime.ts'
import { abortable } from '../abortable.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { ReferencedObjects } from '../objects.ts'
import { StepFailed } from '../pod/step-failed.ts'
import { Semaphore } from '../semaphore.ts'
import type { NodeCredentials } from './credential-providers.ts'
import { credentialsFor } from './credentials.ts'
import { wrongImageName } from './image-name.ts'
import type { ImagePeers } from './peers.ts'
import { pullNotes } from './pull-notes.ts'

export interface ImagesOptions {
  runtime: Runtime
  events: EventRecorder
  objects: ReferencedObjects
  clock: Clock
  /** Pulls at once; 5 unless said otherwise. */
  parallelPulls?: number
  /** How often a registry is asked; as often as need be unless said otherwise. */
  pullRate?: Rate | undefined
  /** What the node itself can show to registries; nothing unless said otherwise. */
  credentials?: NodeCredentials | undefined
  /** Asked when a registry cannot be reached; nobody is unless said otherwise. */
  peers?: ImagePeers | undefined
  /** Undefined: nothing is counted. */
  metrics?: AgentMetrics | undefined
}

/** What a container or a volume says of its image. */
export interface ImageWish {
  image?: string | undefined
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined
}

/** Brings images to the node. */
export interface Images {
  /**
   * One image that a pod wants, pulled if its policy says so.
   * @throws StepFailed with `ErrImagePull`, `ErrImageNeverPull` or `InvalidImageName`
   */
  provide(pod: Pod, wish: ImageWish, signal: AbortSignal): Promise<ImageRef>
}

/** A pull that several wait for goes on when one of them gives up. */
const never = new AbortController().signal

export function createImages({ runtime, events, objects, clock, parallelPulls = 5, ...more }: ImagesOptions): Images {
  const { peers, credentials: ofNode, metrics } = more
  const places = new Semaphore(parallelPulls)
  const pace = more.pullRate && new Pace(clock, more.pullRate)
  /** Containers of one node often want the same image at the same time. */
  const under = new Map<string, Promise<ImageRef>>()

  async function pull(image: string, pod: Pod, secrets: readonly Secret[], signal: AbortSignal): Promise<ImageRef> {
    await pace?.turn(signal)
    const own = (await ofNode?.for(image, signal)) ?? []
    const choices = [...credentialsFor(image, secrets), ...own, undefined]
    const onProgress = pullNotes(events, clock, pod, image)
    let failure: unknown
    for (const credentials of choices)
      try {
        return await runtime.pull(
          image,
          { ...(credentials ? { credentials } : {}), annotations: pod.metadata.annotations ?? {}, onProgress },
          signal,
        )
      } catch (error) {
        if (signal.aborted) throw error
        // What the registry said to credentials tells more than what it said to a stranger.
        failure ??= error
      }
    throw failure
  }

  async function secretsOf(pod: Pod): Promise<Secret[]> {
    const namespace = pod.metadata.namespace!
    const secrets: Secret[] = []
    for (const { name } of pod.spec.imagePullSecrets ?? []) {
      const secret = name ? await objects.get(Secret, { namespace, name }).catch(() => undefined) : undefined
      if (secret) secrets.push(secret)
      else
        events.warning(
          pod,
          'FailedToRetrieveImagePullSecret',
          `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`,
        )
    }
    return secrets
  }

  /** Where an image that is here may be used unasked, one that another node has may be, too. */
  async function pullOrBring(image: string, pod: Pod, secrets: readonly Secret[], signal: AbortSignal) {
    try {
      return await pull(image, pod, secrets, signal)
    } catch (failure) {
      if (!(failure instanceof ImagePullFailed && failure.registryAway)) throw failure
      const found = await peers?.bring(image, signal).catch(() => undefined)
      if (!found) throw failure
      const why = `registry ${registryOf(image)} cannot be had`
      events.normal(pod, 'Pulled', `Image "${image}" came from node "${found.node}", as ${why}`)
      return found.ref
    }
  }

  return {
    async provide(pod, wish, signal) {
      const image = wish.image ?? ''
      const wrong = wrongImageName(image)
      if (wrong) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${wrong}`
        events.warning(pod, 'InspectFailed', message)
        throw new StepFailed('InvalidImageName', message)
      }
      const policy =
        wish.imagePullPolicy ?? (/[:@][^/]+$/.test(image) && !image.endsWith(':latest') ? 'IfNotPresent' : 'Always')
      if (policy !== 'Always') {
        const ref = await runtime.imagePresent(image)
        if (ref) {
          events.normal(pod, 'Pulled', `Container image "${image}" already present on machine`)
          return ref
        }
        if (policy === 'Never') {
          const message = `Container image "${image}" is not present with pull policy of Never`
          events.warning(pod, 'ErrImageNeverPull', message)
          throw new StepFailed('ErrImageNeverPull', message)
        }
      }
      const secrets = await secretsOf(pod)
      events.normal(pod, 'Pulling', `Pulling image "${image}"`)
      const asked = clock.monotonicMs()
      // "Always" means that the registry is asked each time.
      const bring = policy === 'Always' ? pull : pullOrBring
      // A simulated registry answers each pod by its own annotations.
      const shared = policy === 'IfNotPresent' && !secrets.length && !runtime.probe
      try {
        let pulling = shared ? under.get(image) : undefined
        if (!pulling) {
          const until = shared ? never : signal
          pulling = places.run(() => bring(image, pod, secrets, until), until)
          if (shared) {
            under.set(image, pulling)
            pulling.catch(() => {}).finally(() => under.delete(image))
          }
        }
        const ref = await abortable(pulling, signal)
        const seconds = (clock.monotonicMs() - asked) / 1000
        const took = `${seconds.toFixed(3)}s`
        const size = (await runtime.images().catch(() => [])).find(known => known.ref === ref)?.sizeBytes ?? 0
        metrics?.imagePulled(size, seconds)
        events.normal(
          pod,
          'Pulled',
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${size} bytes.`,
        )
        return ref
      } catch (error) {
        if (signal.aborted) throw error
        const why = whyNotPulled(error)
        events.warning(pod, 'Failed', `Failed to pull image "${image}": ${why}`)
        events.warning(pod, 'Failed', 'Error: ErrImagePull')
        // All that the error says is in it.
        throw new StepFailed('ErrImagePull', why)
      }
    },
  }
}

/** Whoever prints it names the image. What is to be done belongs to it: events and statuses have no other place for a hint. */
function whyNotPulled(error: unknown): string {
  if (!(error instanceof ImagePullFailed)) return explain(error)
  return error.hint ? `${error.why}. ${error.hint}` : error.why
}
