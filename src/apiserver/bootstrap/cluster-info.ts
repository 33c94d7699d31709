import { ConfigMap } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { updateObject } from '../objects/update-object.ts'
import { ensure, system } from './ensure.ts'

const namespace = 'kube-public'
const name = 'cluster-info'

/**
 * Says where the API is and who signs its certificate: a kubeconfig without a user, which the bootstrap signer signs with
 * each bootstrap token. What others have put beside it stays.
 * @param server `https://10.0.0.1:6443`; @param ca PEM
 */
export async function publishClusterInfo(core: Core, server: string, ca: string): Promise<void> {
  const kubeconfig = kubeconfigOf(server, ca)
  const metadata = { name, namespace } as unknown as AnyObject['metadata']
  if (await ensure(core, ConfigMap, { metadata, data: { kubeconfig } })) return
  const nextState = (present: AnyObject) => {
    present['data'] = { ...present['data'], kubeconfig }
    present.metadata.resourceVersion = ''
    return present
  }
  const options = { user: system, dryRun: false, warnings: [], subresource: '' }
  await updateObject(core, core.resources.of(ConfigMap), namespace, name, nextState, options)
}

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
