import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf, outlineOfDefinitions, outlineOfOperations } from '../testing/openapi-outline.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let document: any
beforeAll(async () => {
  server = await startTestServer()
  document = (await server.call('GET', '/openapi/v2')).body
})
afterAll(() => server[Symbol.asyncDispose]())

/** Of each tag in upstream's document of 1.32 that is served here: how many operations, and a digest of all they say. */
const upstreamOperations: [tag: string, digest: string][] = [
  ['WellKnown', '1 73be31b3'],
  ['admissionregistration', '1 2f234fcf'],
  ['admissionregistration_v1', '40 522cb68d'],
  ['admissionregistration_v1alpha1', '19 45e1a7d7'],
  ['admissionregistration_v1beta1', '22 b5acdea8'],
  ['apiextensions', '1 f84fbd91'],
  ['apiextensions_v1', '13 3f3cd56d'],
  ['apiregistration', '1 8112b0af'],
  ['apiregistration_v1', '13 9f7a312b'],
  ['apis', '1 1f7835f9'],
  ['apps', '1 e183bc82'],
  ['apps_v1', '77 de9bbd45'],
  ['authentication', '1 e57da06e'],
  ['authentication_v1', '3 7cd77eeb'],
  ['authorization', '1 43e8d6f9'],
  ['authorization_v1', '5 26e87e9d'],
  ['autoscaling', '1 92c0b26c'],
  ['autoscaling_v1', '15 f7d05326'],
  ['autoscaling_v2', '15 8586e522'],
  ['batch', '1 c7d8eafa'],
  ['batch_v1', '29 6113a3ac'],
  ['certificates', '1 2cd97afe'],
  ['certificates_v1', '16 bece83b2'],
  ['coordination', '1 4bae0c1c'],
  ['coordination_v1', '12 f4999ad2'],
  ['core', '1 e23011f5'],
  ['core_v1', '248 b448779b'],
  ['discovery', '1 41aff6c5'],
  ['discovery_v1', '12 a7f66ab0'],
  ['events', '1 63c76707'],
  ['events_v1', '12 bf180a81'],
  ['flowcontrolApiserver', '1 99217685'],
  ['flowcontrolApiserver_v1', '25 35b113c7'],
  ['networking', '1 c8559c3d'],
  ['networking_v1', '35 e0c027d3'],
  ['node', '1 e1097f83'],
  ['node_v1', '10 1ddef721'],
  ['openid', '1 a59e35e1'],
  ['policy', '1 31a0b894'],
  ['policy_v1', '15 435f88ab'],
  ['rbacAuthorization', '1 d72fea84'],
  ['rbacAuthorization_v1', '41 eed8fa52'],
  ['resource', '1 3b3ee0e2'],
  ['resource_v1beta1', '44 12a3e3ef'],
  ['scheduling', '1 be0baa19'],
  ['scheduling_v1', '10 7a91e08f'],
  ['storage', '1 771cf71d'],
  ['storage_v1', '51 73aede32'],
  ['storage_v1beta1', '10 956d610b'],
  ['version', '1 52809e3b'],
]

test('operations are upstream’s: paths, ids, parameters, answers and media types', () => {
  // Who deletes a namespace gets it back, although upstream's document speaks of a Status.
  document.paths['/api/v1/namespaces/{name}'].delete.responses = document.paths['/api/v1/nodes/{name}'].delete.responses
  const ours = digestsOf(outlineOfOperations(document))
  const served = new Set(upstreamOperations.map(([tag]) => tag))
  expect(Object.fromEntries(Object.entries(ours).filter(([tag]) => served.has(tag)))).toEqual(
    Object.fromEntries(upstreamOperations),
  )
  expect(Object.keys(ours).filter(tag => !served.has(tag))).toEqual([
    ...['metrics', 'metrics_v1beta1', 'optiflowDev', 'optiflowDev_v1', 'schedulingXK8sIo', 'schedulingXK8sIo_v1alpha1'],
  ])
})

/** The same of definitions, by package. */
const upstreamDefinitions: [place: string, digest: string][] = [
  ['io.k8s.api.admissionregistration.v1', '26 cb6332d9'],
  ['io.k8s.api.admissionregistration.v1beta1', '17 d9e9392c'],
  ['io.k8s.api.apps.v1', '30 5f9adc3f'],
  ['io.k8s.api.authentication.v1', '10 b22f56ab'],
  ['io.k8s.api.authorization.v1', '15 a0aa46cc'],
  ['io.k8s.api.autoscaling.v1', '8 9391d640'],
  ['io.k8s.api.autoscaling.v2', '24 628c2d0a'],
  ['io.k8s.api.batch.v1', '17 2ef1a728'],
  ['io.k8s.api.certificates.v1', '5 41fb7de9'],
  ['io.k8s.api.coordination.v1', '3 0cd7505a'],
  ['io.k8s.api.core.v1', '211 44436a16'],
  ['io.k8s.api.discovery.v1', '7 f4a275e7'],
  ['io.k8s.api.events.v1', '3 d7dbc8e1'],
  ['io.k8s.api.flowcontrol.v1', '23 6de4db98'],
  ['io.k8s.api.networking.v1', '26 2daf62e5'],
  ['io.k8s.api.node.v1', '4 85fcc0d7'],
  ['io.k8s.api.policy.v1', '5 b80014ba'],
  ['io.k8s.api.rbac.v1', '12 c1bf76f6'],
  ['io.k8s.api.resource.v1beta1', '33 ab6ed438'],
  ['io.k8s.api.scheduling.v1', '2 8373259d'],
  ['io.k8s.api.storage.v1', '19 125661f1'],
  ['io.k8s.api.storage.v1beta1', '2 c3c35363'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', '24 3d9866df'],
  ['io.k8s.apimachinery.pkg.api.resource', '1 eb78a634'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1', '25 0b71bdb2'],
  ['io.k8s.apimachinery.pkg.runtime', '1 34ab1218'],
  ['io.k8s.apimachinery.pkg.util.intstr', '1 370f2519'],
  ['io.k8s.apimachinery.pkg.version', '1 a008eac9'],
  ['io.k8s.kube-aggregator.pkg.apis.apiregistration.v1', '6 7bf293c2'],
]

test('definitions are upstream’s: fields, types, and how lists and maps are merged', () => {
  // Of kinds of others' groups.
  delete document.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.Duration']
  const ours = digestsOf(outlineOfDefinitions(document))
  const known = new Set(upstreamDefinitions.map(([place]) => place))
  expect(Object.fromEntries(Object.entries(ours).filter(([place]) => known.has(place)))).toEqual(
    Object.fromEntries(upstreamDefinitions),
  )
  expect(Object.keys(ours).filter(place => !known.has(place))).toEqual([
    'dev.optiflow.v1',
    // Off by default upstream; the types that it has in common with v1 are one here.
    'io.k8s.api.admissionregistration.v1alpha1',
    'io.k8s.api.scheduling.v1alpha1',
    'io.k8s.metrics.pkg.apis.metrics.v1beta1',
  ])
})
