import { expect, test } from 'vitest'
import { ImagePullFailed } from '../runtime.ts'
import { never, type Subject } from './subject.ts'

/** Images: pulled, listed, removed, or why not. */
export function pullsImages(on: Subject): void {
  test('images are pulled, listed and removed', async () => {
    expect(await on.runtime.imagePresent(on.bench.image)).toBe(on.imageRef)
    const images = await on.runtime.images()
    expect(images.find(i => i.ref === on.imageRef)).toMatchObject({
      names: expect.arrayContaining([on.bench.image]),
      sizeBytes: expect.any(Number),
    })
    await on.runtime.removeImage(on.imageRef)
    await on.bench.until('its absence', async () =>
      (await on.runtime.imagePresent(on.bench.image)) ? undefined : true,
    )
    on.imageRef = await on.bench.during(on.runtime.pull(on.bench.image, {}, never))
    expect(await on.runtime.imagePresent(on.bench.image)).toBe(on.imageRef)
  })

  test('an image that cannot be pulled says why', async () => {
    const said: [string, string][] = []
    for (const { what, image, options, says } of on.bench.badImages) {
      const failure = await on.bench.during(on.runtime.pull(image, options ?? {}, never)).catch(error => error)
      expect([what, failure]).toEqual([what, expect.any(ImagePullFailed)])
      expect(failure.message).toMatch(says)
      said.push([what, failure.message])
    }
    expect(said).toHaveLength(on.bench.badImages.length)
  })
}
