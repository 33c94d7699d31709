export { openApiDatastore } from './datastore/api-datastore.ts'
export * from './datastore/datastore.ts'
export { openEtcdDatastore } from './datastore/etcd-datastore.ts'
export { initialiseDatastore } from './datastore/initialise.ts'
export type { KeyValue, KeyValues } from './datastore/key-values.ts'
export { apiEndpoint } from './install/api-endpoint.ts'
export { cleanHost } from './install/clean-host.ts'
export { type InstallOptions, install, installedVersion } from './install/install.ts'
export {
  BadManifest,
  type CalicoManifest,
  checkVersion,
  publishedManifests,
  readManifest,
  verifyDigest,
} from './install/manifest.ts'
export {
  backendOf,
  type ChosenEncapsulation,
  encapsulations,
  type ManifestSettings,
  poolModes,
} from './install/manifest-settings.ts'
export type { Progress, Step } from './install/progress.ts'
export { uninstall } from './install/uninstall.ts'
export { upgrade } from './install/upgrade.ts'
export type { Leak } from './ipam/leaks.ts'
export { currentLeaks, releaseLeaks } from './ipam/release.ts'
export { type PoolUsage, poolInUse, poolUsage } from './ipam/usage.ts'
export * from './kinds/index.ts'
export type { Finding } from './preflight/finding.ts'
export { preflight } from './preflight/preflight.ts'
export type { BgpQuestion, NodeBgp } from './status/bgp-sessions.ts'
export { collectDiag } from './status/diag.ts'
export type { NodeReport } from './status/node-report.ts'
export { type CalicoStatus, calicoStatus } from './status/status.ts'
