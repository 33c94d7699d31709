import { type AuthenticationChoices, readAuthenticationConfiguration } from '../apiserver/index.ts'
import type { Disk } from '../base/disk.ts'
import { BadSetting } from './bad-setting.ts'
import { readConfigurationFile } from './configuration-file.ts'

/**
 * Whose tokens are believed and where strangers may come, as an AuthenticationConfiguration says.
 * @param beside flags that say the same, if there are any
 * @param ownIssuers whose tokens are believed already
 * @throws BadSetting
 */
export async function readAuthentication(
  path: string,
  disk: Disk,
  { beside, ownIssuers }: { beside: string[]; ownIssuers: string[] },
): Promise<AuthenticationChoices> {
  const flag = '--authentication-config'
  if (beside.length)
    throw new BadSetting(`${flag} cannot stand beside ${beside.join(', ')}`, {
      hint: 'Say all of it in the file, under jwt and anonymous.',
    })
  return readConfigurationFile(flag, path, disk, value => readAuthenticationConfiguration(value, ownIssuers))
}
