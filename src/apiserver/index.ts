export type { Admission, AdmissionPlugin, Operation } from './admission/chain.ts'
export {
  type AdmissionChoices,
  readAdmissionConfiguration,
  readPluginConfiguration,
} from './admission/configuration/admission-configuration.ts'
export type { Credentials, HookCredentials } from './admission/webhooks/hook-credentials.ts'
export { type ApiServer, type ApiServerOptions, createApiServer } from './api-server.ts'
export { AuditLog } from './audit/audit-log.ts'
export { AuditWebhook } from './audit/audit-webhook.ts'
export type { AuditBackend, AuditOptions } from './audit/auditor.ts'
export { defaultAuditPolicy } from './audit/default-policy.ts'
export { readAuditPolicy } from './audit/policy.ts'
export { type AuthenticationChoices, readAuthenticationConfiguration } from './authn/authentication-configuration.ts'
export type { Authenticator } from './authn/authenticator.ts'
export type { OidcOptions } from './authn/oidc-tokens.ts'
export { type AbacPolicy, readAbacPolicies } from './authz/abac/policies.ts'
export {
  type AuthorizerChoice,
  type AuthorizerWish,
  plainAuthorizers,
  readAuthorizationConfiguration,
  type WebhookWish,
} from './authz/authorization-configuration.ts'
export type { Attributes, Authorizer, Decision } from './authz/authorizer.ts'
export { BadConfiguration } from './configuration/config-file.ts'
export type { Listening, ListenOptions } from './listener/listener.ts'
export {
  type NodeAddress,
  type NodeDialer,
  type NodeRequest,
  type TlsNodeDialerOptions,
  tlsNodeDialer,
} from './nodes/node-dialer.ts'
export type { OtherPathHandler } from './other-paths.ts'
export { verbOf } from './pipeline.ts'
export { parseRequest } from './request-info.ts'
export { type UnreadableObject, unreadableObjects } from './watch-cache/unreadable-objects.ts'
