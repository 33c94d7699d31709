import { isIntOrString, isQuantity, type Schema, type Schemas } from '../schemas.ts'

/** One step from a value into it: by a field, into the first element of a list, into one entry of a map. */
export type Step =
  | { field: string }
  | { item: true; mergeKey: string | undefined; listKeys: readonly string[] | undefined }
  | { entry: true }

/** Somewhere in the objects of a kind. */
export interface Place {
  steps: readonly Step[]
  /** `spec.containers[].name` */
  text: string
  schema: Schema & { name?: string }
  required: boolean
}

const maxDepth = 14
/** Below these, which many kinds have, only the kinds that are about them go deep. */
const sharedTypes = [
  ...['core.v1.PodTemplateSpec', 'core.v1.PodSpec', 'core.v1.PersistentVolumeClaimSpec', 'batch.v1.JobSpec'],
  ...['core.v1.PersistentVolumeSpec', 'resource.v1beta1.ResourceClaimSpec'],
]
const deep = new Set([
  '/v1/pods',
  '/v1/persistentvolumeclaims',
  '/v1/persistentvolumes',
  'batch/v1/jobs',
  'resource.k8s.io/v1beta1/resourceclaims',
])
const sharedDepth = 2

/** Every place below one part of a kind: `spec`, `status`, all but metadata for ''. */
export function placesOf(schemas: Schemas, kind: string, schema: Schema, part: string): Place[] {
  const found: Place[] = []
  const below = (at: Place, seen: readonly string[], budget: number) => {
    if (budget <= 0 || isQuantity(at.schema) || isIntOrString(at.schema)) return
    const { properties, required, items, additionalProperties, type } = at.schema
    const name = at.schema.name ?? ''
    if (name && seen.includes(name)) return
    const next = [...seen, ...(name ? [name] : [])]
    const left = sharedTypes.some(shared => name.endsWith(shared)) && !deep.has(kind) ? sharedDepth : budget - 1
    const add = (step: Step, text: string, inner: Schema, isRequired: boolean) => {
      const place = { steps: [...at.steps, step], text, schema: schemas.resolve(inner), required: isRequired }
      found.push(place)
      below(place, next, Math.min(left, budget - 1))
    }
    if (type === 'array' && items) {
      const mergeKey = at.schema['x-kubernetes-patch-merge-key']
      const listKeys = at.schema['x-kubernetes-list-map-keys']
      add({ item: true, mergeKey, listKeys }, `${at.text}[]`, items, true)
    } else if (additionalProperties && !properties) add({ entry: true }, `${at.text}.*`, additionalProperties, true)
    else
      for (const [field, inner] of Object.entries(properties ?? {}))
        add({ field }, at.text ? `${at.text}.${field}` : field, inner, required?.includes(field) ?? false)
  }
  for (const [field, inner] of Object.entries(schema.properties ?? {})) {
    if (['apiVersion', 'kind', 'metadata'].includes(field) || (part ? field !== part : field === 'status')) continue
    const resolved = schemas.resolve(inner)
    const place = {
      steps: [{ field }],
      text: field,
      schema: resolved,
      required: schema.required?.includes(field) ?? false,
    }
    found.push(place)
    below(place, [], maxDepth)
  }
  return found
}
