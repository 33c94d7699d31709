/** The package in which upstream keeps each scalar that has a name of its own. */
const scalarPackages: Record<string, string> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  microTime: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  duration: 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration',
  any: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  fieldsV1: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
  patch: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
  json: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
  schemaOrBool: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool',
  schemaOrSchemas: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray',
  schemaOrStrings: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray',
}

/** Upstream's name of a scalar that is a component of its own, such as Quantity; undefined for plain ones. */
export const openApiScalarName = (scalar: string): string | undefined =>
  Object.hasOwn(scalarPackages, scalar) ? scalarPackages[scalar] : undefined

const groupPackages: Record<string, string> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  metrics: 'io.k8s.metrics.pkg.apis.metrics',
  optiflow: 'dev.optiflow',
}

/** `core/v1.Pod` → `io.k8s.api.core.v1.Pod`: the name that upstream's documents, and so clients, use. */
export function openApiName(type: string): string {
  if (type === 'meta/v1.Info') return 'io.k8s.apimachinery.pkg.version.Info'
  const slash = type.indexOf('/')
  const group = type.slice(0, slash)
  const prefix = Object.hasOwn(groupPackages, group) ? groupPackages[group] : `io.k8s.api.${group}`
  return `${prefix}.${type.slice(slash + 1)}`
}

/** `com.example.stable.v1.CronTab`: the group comes back to front. */
export function customSchemaName({ group, version, kind }: { group: string; version: string; kind: string }): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}
