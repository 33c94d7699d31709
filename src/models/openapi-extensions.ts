const atomic = { 'x-kubernetes-list-type': 'atomic' }
const granular = { 'x-kubernetes-map-type': 'granular' }
/** Empty unless said, which nobody fills in. */
const empty = { default: '' }
const union = (discriminator: string, fields: Record<string, string>) => ({
  'x-kubernetes-unions': [{ discriminator, 'fields-to-discriminateBy': fields }],
})

/** What upstream's documents say of a few types and fields beyond what they are for us; undefined: they leave it out. */
export const openApiExtensions: Record<string, Record<string, unknown>> = {
  // Whether it is one of the two is asked by validation, not by the type.
  'apiextensions/v1.CustomResourceDefinitionSpec.scope': { enum: undefined },
  'apiextensions/v1.ValidationRule.reason': {
    enum: ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'],
  },
  'apiregistration/v1.APIServiceSpec.caBundle': atomic,
  'certificates/v1.CertificateSigningRequestSpec.request': atomic,
  'certificates/v1.CertificateSigningRequestStatus.certificate': atomic,
  'core/v1.AppArmorProfile': union('type', { localhostProfile: 'LocalhostProfile' }),
  'core/v1.AzureDiskVolumeSource.readOnly': { default: false },
  'core/v1.ConfigMapEnvSource.name': empty,
  'core/v1.ConfigMapKeySelector.name': empty,
  'core/v1.ConfigMapProjection.name': empty,
  'core/v1.ConfigMapVolumeSource.name': empty,
  'core/v1.GRPCAction.service': empty,
  'core/v1.LocalObjectReference.name': empty,
  'core/v1.PersistentVolumeClaimStatus.allocatedResourceStatuses': granular,
  'core/v1.PersistentVolumeSpec.claimRef': granular,
  'core/v1.SecretEnvSource.name': empty,
  'core/v1.SecretKeySelector.name': empty,
  'core/v1.SecretProjection.name': empty,
  'core/v1.SeccompProfile': union('type', { localhostProfile: 'LocalhostProfile' }),
  'flowcontrol/v1.LimitResponse': union('type', { queuing: 'Queuing' }),
  'flowcontrol/v1.PriorityLevelConfigurationSpec': union('type', { exempt: 'Exempt', limited: 'Limited' }),
  'flowcontrol/v1.Subject': union('kind', { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' }),
  'meta/v1.APIResource.verbs': { 'x-kubernetes-list-type': undefined },
  'meta/v1.Status.details': atomic,
}
