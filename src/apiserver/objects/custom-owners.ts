import type { Form, FormAt } from '../../models/apply/forms.ts'
import type { Writer } from '../../models/apply/managed-fields.ts'
import { type Owner, readOwners } from '../../models/apply/read-owners.ts'
import { fieldsAsIn } from '../../models/apply/translate.ts'
import { mergeApplied } from '../../models/apply/typed-fields.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { typeOf } from '../model-engine.ts'
import type { Resource } from '../resources.ts'
import { convertObject } from '../storage/conversion.ts'

// Owners of custom resources name fields as in the version that they wrote. Versions differ as the author of the kind
// likes, and it may take a webhook to tell how: so what comparing needs is converted before anything is compared.

/**
 * A writer who sees what owners by other versions of a custom kind own, in a plain write that makes `next` of `previous`.
 * The same writer, at once, when there are no such owners.
 */
export function seeingOtherVersions(
  core: Core,
  kind: Kind<any>,
  writer: Writer,
  previous: AnyObject | undefined,
  next: AnyObject,
): Writer | Promise<Writer> {
  const versions = kind.custom ? otherVersions(core, kind, ownersOf(next, previous)) : []
  if (!previous || !versions.length) return writer
  return formsOf(core, kind, versions, previous, next).then(
    formAt => ({ ...writer, formAt }),
    // An update goes on when a webhook cannot tell: owners are then taken at their word.
    () => writer,
  )
}

/** The same for somebody who applies `configuration`. @throws ApiError when a conversion fails */
export function applyingOverVersions(
  core: Core,
  kind: Kind<any>,
  writer: Writer,
  live: AnyObject | undefined,
  configuration: AnyObject,
): Writer | Promise<Writer> {
  if (!kind.custom || !live) return writer
  const owners = ownersOf(live, undefined)
  const versions = otherVersions(core, kind, owners)
  if (!versions.length) return writer
  return translating(core, kind, { writer, live, configuration, owners, versions })
}

interface Applying {
  writer: Writer
  live: AnyObject
  configuration: AnyObject
  owners: Owner[]
  versions: Resource[]
}

async function translating(core: Core, kind: Kind<any>, applying: Applying): Promise<Writer> {
  const { writer, live, configuration, owners, versions } = applying
  const type = typeOf(kind)
  const { managedFields: _, ...metadata } = configuration.metadata
  const merged = mergeApplied(type, live, { ...configuration, metadata }) as AnyObject
  const formAt = await formsOf(core, kind, versions, live, merged)
  const own = core.resources.of(kind)
  const translated = new Map<string, ReturnType<typeof fieldsAsIn>>()
  for (const owner of owners) {
    const other = versions.find(v => v.apiVersion === owner.entry.apiVersion)
    if (!other) continue
    const back = (object: AnyObject) => convertObject(other, own, object)
    translated.set(idOf(owner.entry), fieldsAsIn(type, merged, formAt(other.apiVersion)!, owner.fields, back))
  }
  const known = new Map(await Promise.all([...translated].map(async ([id, fields]) => [id, await fields] as const)))
  return { ...writer, formAt, ownedHere: entry => known.get(idOf(entry)) }
}

const idOf = ({ manager, operation, apiVersion, subresource }: Owner['entry']): string =>
  JSON.stringify([manager, operation, apiVersion, subresource])

const ownersOf = (object: AnyObject, previous: AnyObject | undefined): Owner[] =>
  [object, previous].flatMap(o => readOwners(o?.metadata.managedFields) ?? [])

/** Versions other than that of `kind` that owners name, of those that are served. */
function otherVersions(core: Core, kind: Kind<any>, owners: Owner[]): Resource[] {
  const own = apiVersionOf(kind)
  const named = new Set(owners.map(({ entry }) => entry.apiVersion ?? ''))
  return [...named].flatMap(apiVersion => {
    const [group, version] = apiVersion.split('/')
    if (apiVersion === own || group !== kind.group) return []
    const found = core.resources.findKind(group, kind.kind, version)
    return found ? [found] : []
  })
}

/** How each of the versions shows the one state and the other; every version that is not among them, as it is written. */
async function formsOf(
  core: Core,
  kind: Kind<any>,
  versions: Resource[],
  before: AnyObject,
  after: AnyObject,
): Promise<FormAt> {
  const from = core.resources.of(kind)
  const own: Form = { type: typeOf(kind), view: object => object }
  const forms = await Promise.all(
    versions.map(async (to): Promise<[string, Form]> => {
      const [was, is] = await Promise.all([before, after].map(state => convertObject(from, to, state)))
      return [to.apiVersion, { type: typeOf(to.kind), view: object => (object === before ? was! : is!) }]
    }),
  )
  const byVersion = new Map(forms)
  return apiVersion => byVersion.get(apiVersion) ?? own
}
