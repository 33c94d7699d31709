import type { OidcOptions } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
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

async function readCa(disk: Disk, path: string): Promise<string> {
  try {
    return await disk.readText(path)
  } catch (cause) {
    throw new BadSetting(`--oidc-ca-file: cannot read ${path}`, {
      cause,
      hint: 'Name a file with certificates in PEM.',
    })
  }
}
