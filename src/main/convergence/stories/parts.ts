import type { Draft } from '../../../models/object.ts'
import type { Pod } from '../../../models/types/core-v1.ts'

/** What stories are told about: small, so that every trouble can be tried. */

export const namespace = 'default'
export const labels = { app: 'web' }
export const selector = { matchLabels: labels }
export const named = (name: string) => ({ namespace, name })
export const container = (image = 'app:1') => ({ name: 'main', image })
export const template = (image = 'app:1') => ({ metadata: { labels }, spec: { containers: [container(image)] } })

export const pod = (name: string, spec: Partial<Pod['spec']> = {}): Draft<Pod> => ({
  metadata: { ...named(name), labels },
  spec: { containers: [container()], ...spec },
})
