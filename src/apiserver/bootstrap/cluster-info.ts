import { bracketed } from '../../base/ip.ts'
import { ConfigMap } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ConfigMap as ConfigMapObject } from '../../models/types/core-v1.ts'
import type { Core } from '../core.ts'
import { updateObject } from '../objects/update-object.ts'
import { system } from '../own-user.ts'
import type { ServerAddress } from './api-endpoints.ts'
import { ensure } from './ensure.ts'

const namespace = 'kube-public'
const name = 'cluster-info'

/**
 * Says where the API is and who signs its certificate: a kubeconfig without a user, which the bootstrap signer signs with
 * each bootstrap token. What others have put beside it stays, and so does the address of one that lives.
 * @param servers those that live, one at least; @param ca PEM
 */
export async function publishClusterInfo(core: Core, servers: readonly ServerAddress[], ca: string): Promise<void> {
  const good = servers.map(server => kubeconfigOf(urlOf(server), ca))
  const named = (map: AnyObject | undefined) =>
    good.includes((map as ConfigMapObject | undefined)?.data?.['kubeconfig'] ?? '')
  const kept = core.cache.get(core.resources.of(ConfigMap), namespace, name)
  if (kept && named(core.shared(kept))) return
  const kubeconfig = good[0]
  const metadata = { name, namespace } as unknown as AnyObject['metadata']
  if (await ensure(core, ConfigMap, { metadata, data: { kubeconfig } })) return
  const nextState = (present: AnyObject) => {
    if (named(present)) return present
    present['data'] = { ...present['data'], kubeconfig }
    present.metadata.resourceVersion = ''
    return present
  }
  const options = { user: system, dryRun: false, warnings: [], subresource: '' }
  await updateObject(core, core.resources.of(ConfigMap), namespace, name, nextState, options)
}

const urlOf = ({ ip, port }: ServerAddress) => `https://${bracketed(ip)}:${port}`

const kubeconfigOf = (server: string, ca: string) => `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(ca).toString('base64')}
    server: ${server}
  name: ""
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`
