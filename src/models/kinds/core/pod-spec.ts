import type {
  Container,
  EnvVar,
  EphemeralContainer,
  HTTPGetAction,
  LifecycleHandler,
  ObjectFieldSelector,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceFieldSelector,
  Volume,
} from '../../types/core-v1.ts'
import { alwaysWritten, writeGroups } from './claim-defaults.ts'

/** 0644, the mode of files from ConfigMaps, Secrets and the downward API. */
const fileMode = 420

/**
 * Fills in what a pod's spec leaves open, in pods and in pod templates alike: restart and DNS policy, grace period,
 * scheduler, pull policy, probes, volumes.
 */
export function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always'
  spec.terminationGracePeriodSeconds ??= 30
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ||= 'default-scheduler'
  // Two names of one field; the new one wins.
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  for (const container of spec.initContainers ?? []) defaultContainer(container)
  for (const container of spec.containers ?? []) defaultContainer(container)
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
}

/** The same for a template, which may lack its spec. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec)
}

/** What only pods get, not templates: service links, a grace period of at least 1 s if it was negative, requests from limits, host ports with the host's network. */
export function defaultRunningPodSpec(spec: PodSpec): void {
  defaultPodSpec(spec)
  spec.enableServiceLinks ??= true
  if (spec.terminationGracePeriodSeconds! < 0) spec.terminationGracePeriodSeconds = 1
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    requestLimits(container)
    if (spec.hostNetwork) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
  }
}

/** What is limited and not requested is requested to the limit. */
function requestLimits({ resources }: Container): void {
  if (!resources?.limits) return
  resources.requests = { ...resources.limits, ...resources.requests }
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image)
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ??= 'TCP'
  for (const variable of container.env ?? []) defaultVariable(variable)
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe) defaultProbe(probe)
  defaultHandler(container.lifecycle?.postStart)
  defaultHandler(container.lifecycle?.preStop)
}

/** Of who says none. */
function pullPolicyOf(image = ''): 'Always' | 'IfNotPresent' {
  return imageTag(image) === 'latest' && isImageName(image) ? 'Always' : 'IfNotPresent'
}

const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const host = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const registry = `(?:${host}(?:\\.${host})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const imageForm = new RegExp(
  `^(?:${registry}/)?${part}(?:/${part})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
)

/** Of what is no name of an image at all, nothing is known, not even that it has no tag. */
const isImageName = (image: string) => image.length <= 512 && imageForm.test(image)

/** The tag of an image name: `latest` when neither tag nor digest is given, '' with a digest alone. */
export function imageTag(image: string): string {
  if (!image) return ''
  const [name = '', digest] = image.split('@')
  const last = name.slice(name.lastIndexOf('/') + 1)
  const colon = last.indexOf(':')
  if (colon >= 0) return last.slice(colon + 1)
  return digest ? '' : 'latest'
}

function defaultVariable({ valueFrom }: EnvVar): void {
  defaultFieldReference(valueFrom?.fieldRef)
  defaultResourceReference(valueFrom?.resourceFieldRef)
}

function defaultFieldReference(reference: ObjectFieldSelector | undefined): void {
  if (reference) reference.apiVersion ||= 'v1'
}

function defaultResourceReference(reference: ResourceFieldSelector | undefined): void {
  if (reference) reference.divisor ||= '0'
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  if (handler?.httpGet) defaultHttpGet(handler.httpGet)
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/'
  action.scheme ??= 'HTTP'
}

function defaultVolume(volume: Volume): void {
  // A volume that says nothing is scratch space.
  if (Object.keys(volume).every(key => key === 'name' || volume[key as keyof Volume] === undefined))
    volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= fileMode
  if (volume.configMap) volume.configMap.defaultMode ??= fileMode
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference)
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= 'default'
  if (volume.azureDisk) volume.azureDisk.readOnly ??= false
  if (volume.scaleIO) alwaysWritten(volume.scaleIO, 'secretRef')
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) {
    claim.volumeMode ??= 'Filesystem'
    writeGroups(claim)
  }
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= fileMode
    defaultDownwardItems(volume.downwardAPI.items)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode
    alwaysWritten(volume.projected, 'sources')
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
      defaultDownwardItems(source.downwardAPI?.items)
    }
  }
}

function defaultDownwardItems(
  items: { fieldRef?: ObjectFieldSelector; resourceFieldRef?: ResourceFieldSelector }[] | undefined,
): void {
  for (const item of items ?? []) {
    defaultFieldReference(item.fieldRef)
    defaultResourceReference(item.resourceFieldRef)
  }
}
