/** A controller of your own: every namespace labelled `team` gets a ConfigMap with the team's name. `npx tsx examples/controller.ts` */
import { ControlPlane, isAlreadyExists, kinds, type Reconciler } from 'optiflow'

const { Namespace, ConfigMap } = kinds

const teamConfig: Reconciler = {
  name: 'team-config',
  primary: Namespace,
  writes: [{ kind: ConfigMap, part: 'owned' }],
  async reconcile({ name }, { cache, client }) {
    const team = cache.get(Namespace, { name })?.metadata.labels?.['team']
    if (!team) return
    await client.create(ConfigMap, { metadata: { namespace: name, name: 'team' }, data: { team } }).catch(error => {
      if (!isAlreadyExists(error)) throw error
    })
  },
}

await using cluster = await ControlPlane.start({ nodes: 0, reconcilers: [teamConfig] })
await cluster.client.create(Namespace, { metadata: { name: 'shop', labels: { team: 'blue' } }, spec: {} })
for await (const event of cluster.client.watch(ConfigMap, { namespace: 'shop', resourceVersion: '0', signal: AbortSignal.timeout(5000) })) {
  console.log(event.type, event.object.metadata.name, event.object.data)
  if (event.object.metadata.name === 'team') break
}
