import type { OidcOptions } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readSettingFile } from './setting-file.ts'
import type { Settings } from './settings.ts'

/** What the settings say of log-in elsewhere; undefined when they say nothing. @throws BadSetting */
export async function readOidc(settings: Settings, disk: Disk): Promise<OidcOptions | undefined> {
  const { oidcIssuerUrl: issuerUrl, oidcClientId: clientId, oidcCaFile } = settings
  if (!issuerUrl && !clientId) return undefined
  if (!issuerUrl || !clientId)
    throw new BadSetting('--oidc-issuer-url and --oidc-client-id belong together; one is missing')
  return {
    issuerUrl,
    clientId,
    usernameClaim: settings.oidcUsernameClaim,
    usernamePrefix: settings.oidcUsernamePrefix,
    groupsClaim: settings.oidcGroupsClaim,
    groupsPrefix: settings.oidcGroupsPrefix,
    requiredClaims: settings.oidcRequiredClaim,
    ca: oidcCaFile === undefined ? undefined : await readCa(disk, oidcCaFile),
  }
}

const readCa = (disk: Disk, path: string): Promise<string> =>
  readSettingFile({
    ...{ flag: '--oidc-ca-file', path, disk, hint: 'Name a file with certificates in PEM.' },
    parse: text => text,
  })
