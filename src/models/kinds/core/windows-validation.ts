import { isDns1123Subdomain } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid } from '../../field-error.ts'
import type { Container, EphemeralContainer, PodSpec, WindowsSecurityContextOptions } from '../../types/core-v1.ts'
import { texts } from '../checks.ts'

// Pods for Windows nodes: what only they may say, and what they may not.

const longestSpecKiB = 64
const longestDomain = 256
const longestUser = 104
const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const dnsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`)
const notInUsers = /["/\\:;|=,+*?<>@[\]]/

export function checkWindowsOptions(field: string, options: WindowsSecurityContextOptions): FieldError[] {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options
  const errors = name === undefined ? [] : texts(`${field}.gmsaCredentialSpecName`, name, isDns1123Subdomain(name))
  if (spec === '')
    errors.push(invalid(`${field}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string'))
  else if (spec !== undefined && spec.length > longestSpecKiB * 1024)
    errors.push(
      invalid(`${field}.gmsaCredentialSpec`, spec, `gmsaCredentialSpec size must be under ${longestSpecKiB} KiB`),
    )
  if (user !== undefined) errors.push(...texts(`${field}.runAsUserName`, user, wrongWithUser(user)))
  return errors
}

/** What is wrong with `user` or `domain\\user`. */
function wrongWithUser(name: string): string[] {
  if (!name) return ['runAsUserName cannot be an empty string']
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(name)) return ['runAsUserName cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1)!
  const domain = parts.length === 2 ? parts[0]! : undefined
  const wrong: string[] = []
  if (domain !== undefined && domain.length >= longestDomain)
    wrong.push(`runAsUserName's Domain length must be under ${longestDomain} characters`)
  if (domain !== undefined && !netBios.test(domain) && !dnsDomain.test(domain))
    wrong.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
  if (!user) wrong.push("runAsUserName's User cannot be empty")
  else if (user.length > longestUser)
    wrong.push(`runAsUserName's User length must not be longer than ${longestUser} characters`)
  if (/^[. ]+$/.test(user)) wrong.push("runAsUserName's User cannot contain only periods or spaces")
  if (notInUsers.test(user))
    wrong.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  return wrong
}

type AnyContainer = Container | EphemeralContainer

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** Init containers first, as Kubernetes walks them. */
export function eachContainer(field: string, spec: PodSpec): [field: string, container: AnyContainer][] {
  const all: [string, AnyContainer][] = []
  for (const list of containerLists) spec[list]?.forEach((c, i) => void all.push([`${field}.${list}[${i}]`, c]))
  return all
}

const saysHostProcess = ({ securityContext }: AnyContainer): boolean =>
  securityContext?.windowsOptions?.hostProcess !== undefined

/** Processes of the node itself: all of a pod's containers are such, or none. */
export function checkHostProcess(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  // Hardly a pod says anything of it.
  if (ofPod === undefined && !containerLists.some(list => spec[list]?.some(saysHostProcess))) return errors
  const all = eachContainer(field, spec)
  let hosted = 0
  for (const [at, { securityContext }] of all) {
    const own = securityContext?.windowsOptions?.hostProcess
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      errors.push(
        invalid(
          `${at}.securityContext.windowsOptions.hostProcess`,
          own,
          `pod hostProcess value must be identical if both are specified, was ${ofPod}`,
        ),
      )
    if (own ?? ofPod) hosted++
  }
  if (!hosted) return errors
  if (hosted !== all.length)
    errors.push(
      invalid(
        field,
        '',
        'If pod contains any hostProcess containers then all containers must be HostProcess containers',
      ),
    )
  if (!spec.hostNetwork)
    errors.push(
      invalid(`${field}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'),
    )
  return errors
}

/** Of the pod and its security context, in the order in which Kubernetes looks for them. */
const notOnWindows =
  'securityContext.appArmorProfile securityContext.seLinuxOptions hostUsers hostPID hostIPC securityContext.seccompProfile securityContext.fsGroup securityContext.fsGroupChangePolicy securityContext.sysctls shareProcessNamespace securityContext.runAsUser securityContext.runAsGroup securityContext.supplementalGroups securityContext.supplementalGroupsPolicy securityContext.seLinuxChangePolicy'.split(
    ' ',
  )
const notInWindowsContainers =
  'appArmorProfile seLinuxOptions seccompProfile capabilities readOnlyRootFilesystem privileged allowPrivilegeEscalation procMount runAsUser runAsGroup'.split(
    ' ',
  )
const flags = new Set(['hostPID', 'hostIPC'])

export function checkWindowsPod(field: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const never = (at: string) => errors.push(forbidden(at, 'cannot be set for a windows pod'))
  for (const path of notOnWindows) {
    const value = path.split('.').reduce((at: any, name) => at?.[name], spec)
    if (flags.has(path) ? value : value !== undefined) never(`${field}.${path}`)
  }
  for (const [at, { securityContext }] of eachContainer(field, spec))
    for (const name of notInWindowsContainers)
      if (securityContext?.[name as keyof typeof securityContext] !== undefined) never(`${at}.securityContext.${name}`)
  return errors
}

export function checkLinuxPod(field: string, spec: PodSpec): FieldError[] {
  const never = (at: string) =>
    forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod')
  const places: [string, { securityContext?: { windowsOptions?: unknown } }][] = [
    [field, spec],
    ...eachContainer(field, spec),
  ]
  return places.flatMap(([at, { securityContext }]) => (securityContext?.windowsOptions ? [never(at)] : []))
}
