import type { Clock } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Pod, Secret } from '../../models/types/core-v1.ts'
import type { ImageRef, Runtime } from '../../runtime/runtime.ts'
import { abortable } from '../abortable.ts'
import type { PodContainer } from '../pod/records.ts'
import { StepFailed } from '../pod/step-failed.ts'
import { Semaphore } from '../semaphore.ts'
import { credentialsFor } from './credentials.ts'
import { wrongImageName } from './image-name.ts'

export interface ImagesOptions {
  runtime: Runtime
  events: EventRecorder
  clock: Clock
  /** Pulls at once; 5 unless said otherwise. */
  parallelPulls?: number
}

/** Brings images to the node. */
export interface Images {
  /**
   * The image of one container, pulled if its policy says so.
   * @throws StepFailed with `ErrImagePull`, `ErrImageNeverPull` or `InvalidImageName`
   */
  provide(pod: Pod, container: PodContainer, secrets: readonly Secret[], signal: AbortSignal): Promise<ImageRef>
}

/** A pull that several wait for goes on when one of them gives up. */
const never = new AbortController().signal

export function createImages({ runtime, events, clock, parallelPulls = 5 }: ImagesOptions): Images {
  const places = new Semaphore(parallelPulls)
  /** Containers of one node often want the same image at the same time. */
  const under = new Map<string, Promise<ImageRef>>()

  async function pull(image: string, pod: Pod, secrets: readonly Secret[], signal: AbortSignal): Promise<ImageRef> {
    const choices = [...credentialsFor(image, secrets), undefined]
    let failure: unknown
    for (const credentials of choices)
      try {
        return await runtime.pull(
          image,
          { ...(credentials ? { credentials } : {}), annotations: pod.metadata.annotations ?? {} },
          signal,
        )
      } catch (error) {
        if (signal.aborted) throw error
        // What the registry said to credentials tells more than what it said to a stranger.
        failure ??= error
      }
    throw failure
  }

  return {
    async provide(pod, container, secrets, signal) {
      const image = container.image ?? ''
      const wrong = wrongImageName(image)
      if (wrong) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${wrong}`
        events.warning(pod, 'InspectFailed', message)
        throw new StepFailed('InvalidImageName', message)
      }
      const policy =
        container.imagePullPolicy ??
        (/[:@][^/]+$/.test(image) && !image.endsWith(':latest') ? 'IfNotPresent' : 'Always')
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
      events.normal(pod, 'Pulling', `Pulling image "${image}"`)
      const asked = clock.monotonicMs()
      // A simulated registry answers each pod by its own annotations.
      const shared = policy === 'IfNotPresent' && !secrets.length && !runtime.probe
      try {
        let pulling = shared ? under.get(image) : undefined
        if (!pulling) {
          const until = shared ? never : signal
          pulling = places.run(() => pull(image, pod, secrets, until), until)
          if (shared) {
            under.set(image, pulling)
            pulling.catch(() => {}).finally(() => under.delete(image))
          }
        }
        const ref = await abortable(pulling, signal)
        const took = `${((clock.monotonicMs() - asked) / 1000).toFixed(3)}s`
        const size = (await runtime.images().catch(() => [])).find(known => known.ref === ref)?.sizeBytes ?? 0
        events.normal(
          pod,
          'Pulled',
          `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${size} bytes.`,
        )
        return ref
      } catch (error) {
        if (signal.aborted) throw error
        const message = `Failed to pull image "${image}": ${explain(error)}`
        events.warning(pod, 'Failed', message)
        events.warning(pod, 'Failed', 'Error: ErrImagePull')
        throw new StepFailed('ErrImagePull', explain(error), { cause: error })
      }
    },
  }
}
