import { parse } from 'yaml'
import { BadConfiguration, ConfigFile } from '../../configuration/config-file.ts'

/** One line of a policy file; `*` stands for all of resources, groups, namespaces and paths. */
export interface AbacPolicy {
  /** '' for any; a policy with neither user nor group is nobody's. */
  user: string
  group: string
  /** Only what is read: get, list and watch. */
  readonly: boolean
  apiGroup: string
  resource: string
  namespace: string
  /** `/logs/*` stands for what is below too. */
  nonResourcePath: string
}

const version = 'abac.authorization.kubernetes.io/v1beta1'
const everybody = 'system:authenticated'
const oldFields = ['user', 'group', 'readonly', 'resource', 'namespace']

/**
 * A file as `--authorization-policy-file` of kube-apiserver names it: a policy on each line, `#` before comments. Lines without
 * a version are of the oldest form, whose fields stand at the top and mean everything where they say nothing.
 * @throws BadConfiguration naming every line and field that is wrong
 * @see https://kubernetes.io/docs/reference/access-authn-authz/abac/
 */
export function readAbacPolicies(text: string): AbacPolicy[] {
  const file = new ConfigFile()
  const policies = text.split(/\r?\n/).flatMap((line, at) => {
    const said = line.trim()
    return said === '' || said.startsWith('#') ? [] : [readLine(file, `line ${at + 1}`, said)]
  })
  file.done()
  return policies
}

function readLine(file: ConfigFile, at: string, line: string): AbacPolicy {
  const value = parsed(at, line)
  const versioned = value instanceof Object && ('apiVersion' in value || 'kind' in value)
  const fields = file.object(at, value, versioned ? ['apiVersion', 'kind', 'spec'] : oldFields)
  if (!versioned) return readOld(file, at, fields)
  file.kind(fields, [`${version} Policy`])
  const place = `${at}: spec`
  const spec = file.object(place, fields['spec'], [...oldFields, 'apiGroup', 'nonResourcePath'])
  const text = (field: string) => file.text(`${place}.${field}`, spec[field])
  return forEverybody({
    ...{ user: text('user'), group: text('group'), readonly: file.flag(`${place}.readonly`, spec['readonly']) },
    ...{ apiGroup: text('apiGroup'), resource: text('resource'), namespace: text('namespace') },
    nonResourcePath: text('nonResourcePath'),
  })
}

function readOld(file: ConfigFile, at: string, fields: Record<string, unknown>): AbacPolicy {
  const text = (field: string) => file.text(`${at}.${field}`, fields[field])
  const [user, group, resource, namespace] = [text('user'), text('group'), text('resource'), text('namespace')]
  return forEverybody({
    ...{ user, group: user || group ? group : everybody, readonly: file.flag(`${at}.readonly`, fields['readonly']) },
    ...{ apiGroup: '*', resource: resource || '*', namespace: namespace || '*' },
    nonResourcePath: resource || namespace ? '' : '*',
  })
}

const forEverybody = (policy: AbacPolicy): AbacPolicy =>
  policy.user === '*' || policy.group === '*' ? { ...policy, user: '', group: everybody } : policy

function parsed(at: string, line: string): unknown {
  try {
    return parse(line, { version: '1.1', maxAliasCount: 10 })
  } catch (cause) {
    throw new BadConfiguration(`${at}: ${line} is no JSON`, { cause })
  }
}
