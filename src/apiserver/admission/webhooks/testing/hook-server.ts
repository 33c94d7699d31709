import type { IncomingHttpHeaders } from 'node:http'
import { onTestFinished } from 'vitest'
import type { ApiServerOptions } from '../../../api-server.ts'
import { loopbackNet, serviceObjects, startOutsideServer } from '../../../testing/outside-server.ts'
import { startTestServer } from '../../../testing/test-server.ts'

type Answer = { allowed: boolean; [field: string]: unknown } | 'hang'
type Decide = (request: any, path: string) => Answer

export const allow: Answer = { allowed: true }
export const deny = (message: string): Answer => ({ allowed: false, status: { message } })
export const patch = (...operations: object[]): Answer => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

/** An API server, and a webhook server over TLS that it knows as the Service default/hook. */
export async function startWithHook(decide: Decide, options: Partial<ApiServerOptions> = {}) {
  const server = await startTestServer({ net: loopbackNet(), ...options })
  const reviews: any[] = []
  const headers: IncomingHttpHeaders[] = []
  let asked: () => void = () => {}
  const outside = await startOutsideServer('hook.default.svc', (request, response, body) => {
    const review = JSON.parse(body.toString())
    reviews.push(review.request)
    headers.push(request.headers)
    asked()
    const answer = decide(review.request, request.url!.split('?')[0]!)
    if (answer === 'hang') return
    const { apiVersion, kind } = review
    response.end(JSON.stringify({ apiVersion, kind, response: { uid: review.request.uid, ...answer } }))
  })
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await outside[Symbol.asyncDispose]()
  })
  for (const [url, object] of serviceObjects('hook', outside.port)) await server.call('POST', url, object)

  const rule = (resources: string[], operations: string[], more: object = {}) => ({
    ...{ apiGroups: [''], apiVersions: ['v1'], resources, operations },
    ...more,
  })
  const webhook = (name: string, path: string, rules: object[], more: object = {}) => ({
    ...{ name, rules, sideEffects: 'None', admissionReviewVersions: ['v1'] },
    clientConfig: { service: { namespace: 'default', name: 'hook', path }, caBundle: outside.caBundle },
    ...more,
  })
  const configure = async (kind: 'Mutating' | 'Validating', name: string, ...webhooks: object[]) => {
    const made = await server.call('POST', urlOf(kind), {
      ...{ kind: `${kind}WebhookConfiguration`, apiVersion: 'admissionregistration.k8s.io/v1' },
      ...{ metadata: { name }, webhooks },
    })
    return made
  }
  return {
    ...{ server, outside, reviews, headers, rule, webhook, configure, core: server.api.core },
    call: server.call,
    nextReview: () => new Promise<void>(resolve => (asked = resolve)),
  }
}

export const urlOf = (kind: 'Mutating' | 'Validating') =>
  `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`

export const configMap = (name: string, data: object = {}, metadata: object = {}) => ({
  ...{ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, ...metadata }, data },
})

export const pod = (name: string, metadata: object = {}, spec: object = {}) => ({
  ...{ kind: 'Pod', apiVersion: 'v1', metadata: { name, ...metadata } },
  spec: { containers: [{ name: 'c', image: 'pause' }], ...spec },
})

export const configMaps = '/api/v1/namespaces/default/configmaps'
export const pods = '/api/v1/namespaces/default/pods'
