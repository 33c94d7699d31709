import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import type { UserInfo } from '../models/rest.ts'
import { BadSetting } from './bad-setting.ts'
import { readSettingFile } from './setting-file.ts'

/** A line of the file has no token, name and uid. */
export class BadTokenFile extends OptiFlowError {}

/** The tokens of the file that `--token-auth-file` names. @throws BadSetting */
export async function readTokenAuthFile(path: string, disk: Disk): Promise<Record<string, UserInfo>> {
  const flag = '--token-auth-file'
  const text = await readSettingFile({
    ...{ flag, path, disk, hint: 'Name a file of token,name,uid,"group,group".' },
    parse: all => all,
  })
  try {
    return readTokenFile(text)
  } catch (error) {
    if (!(error instanceof BadTokenFile)) throw error
    throw new BadSetting(`${flag}: ${path} cannot be used: ${error.message}`)
  }
}

/**
 * Whose each token is, of a file as `--token-auth-file` names one: lines of token, name, uid and, in quotes when they are several, groups.
 * @throws BadTokenFile naming the line that has fewer than the first three, or an empty one of the first two
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
 */
export function readTokenFile(text: string): Record<string, UserInfo> {
  const users: Record<string, UserInfo> = {}
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [token, username, uid, groups = ''] = fieldsOf(line)
    if (!token || !username || uid === undefined)
      throw new BadTokenFile(
        `line ${at + 1} of the token file has no token, name and uid; write token,name,uid,"group,group"`,
      )
    users[token] = { username, ...(uid ? { uid } : {}), groups: groups.split(',').filter(Boolean) }
  }
  return users
}

/** Commas part fields; one in quotes may have commas, and a quote is written twice there. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'),
  )
}
