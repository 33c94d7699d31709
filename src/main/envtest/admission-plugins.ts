/** On in every cluster of ours, in kube-apiserver only when asked for. */
const offUnlessEnabled = [
  ...['DenyServiceExternalIPs', 'EventRateLimit', 'NodeRestriction', 'OwnerReferencesPermissionEnforcement'],
]

/**
 * Which admission plugins kube-apiserver would leave out.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
export function withoutAdmission(enabled: string[], disabled: string[]): string[] {
  return [...offUnlessEnabled.filter(name => !enabled.includes(name)), ...disabled]
}
