import { controllerRef, type Reconciler } from '../../client/index.ts'
import { ConfigMap, Secret } from '../../models/kinds/index.ts'
import type { Story } from './story.ts'

/** Mistakes that controllers make, planted to see that this harness finds them. Each makes a Secret of a ConfigMap, so far well. */

const done = 'done'
const key = { namespace: 'default', name: 'wish' }

function maker(reconcile: Reconciler['reconcile']): Reconciler {
  const writes: Reconciler['writes'] = [
    { kind: Secret, part: 'owned' },
    { kind: ConfigMap, part: 'metadata' },
  ]
  return { name: 'maker', primary: ConfigMap, watches: [{ kind: Secret, keys: () => [key] }], writes, reconcile }
}

const story = (name: string, reconcile: Reconciler['reconcile'], more: Story['acts'] = []): Story => ({
  name,
  about: [],
  reconcilers: () => [maker(reconcile)],
  acts: [({ client }) => client.create(ConfigMap, { metadata: key }), ...more],
})

const mark = (resourceVersion: string | undefined) => ({
  type: 'merge' as const,
  body: { metadata: { resourceVersion, annotations: { [done]: 'yes' } } },
})

/** It creates under a name of chance, and then notes that it has: a crash between the two makes it create again. */
export const createsTwice = story('creates, then notes that it has', async ({ namespace, name }, { cache, client }) => {
  const wish = cache.get(ConfigMap, { namespace: namespace!, name })
  if (!wish || name !== key.name || wish.metadata.annotations?.[done]) return
  await client.create(Secret, { metadata: { namespace: namespace!, generateName: 'made-' } })
  await client.patch(ConfigMap, key, mark(wish.metadata.resourceVersion))
})

/** It trusts its cache about what is missing: behind a late one it creates as often as it is asked. */
export const trustsItsCache: Story = {
  ...story('counts in a cache', async ({ name }, { cache, client }) => {
    const wish = cache.get(ConfigMap, { ...key, name })
    if (!wish || name !== key.name || cache.ownedBy(Secret, wish.metadata.uid).length) return
    const metadata = { namespace: key.namespace, generateName: 'made-', ownerReferences: [controllerRef(wish)] }
    await client.create(Secret, { metadata })
  }),
  acts: [
    async ({ client, patch, pass }) => {
      await client.create(ConfigMap, { metadata: key })
      await pass(500)
      await patch(ConfigMap, key.name, { data: { more: 'yes' } })
    },
  ],
}

/** It deletes what its cache says is not wanted any more: an old view makes it delete what lives. */
export const deletesOnAnOldView = story(
  'deletes by what it remembers',
  async ({ name }, { cache, client }) => {
    if (name !== key.name) return
    const wish = cache.get(ConfigMap, key)
    const made = { namespace: key.namespace, name: 'made' }
    if (wish) await client.create(Secret, { metadata: made }).catch(() => {})
    else await client.delete(Secret, made).catch(() => {})
  },
  [
    ({ client }) => client.delete(ConfigMap, key),
    ({ client }) => client.create(ConfigMap, { metadata: key }),
    ({ client }) => client.delete(ConfigMap, key),
  ],
)
