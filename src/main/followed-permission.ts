import type { ApiServer, AuthenticationChoices, AuthorizerChoice } from '../apiserver/index.ts'
import { Disposal } from '../base/disposal.ts'
import { same } from '../base/equality.ts'
import { BadSetting } from './bad-setting.ts'
import { FollowedFile } from './followed-file.ts'
import type { OutsideWorld } from './outside.ts'

/** How a configuration is read from its file. */
export interface PermissionFiles {
  authentication: { path: string; read(): Promise<AuthenticationChoices> } | undefined
  authorization: { path: string; read(): Promise<AuthorizerChoice[]> } | undefined
}

export interface FollowedPermission {
  authentication: AuthenticationChoices | undefined
  authorization: AuthorizerChoice[] | undefined
  /** Whatever the files say from now on is put to use. */
  follow(api: ApiServer): Disposal
}

/** Whose tokens are believed and who is asked what they may do, as files say, now and later. @throws BadSetting */
export async function followPermission(files: PermissionFiles, outside: OutsideWorld): Promise<FollowedPermission> {
  const { disk, clock, log } = outside
  const opened = {
    authentication: files.authentication && (await FollowedFile.open(files.authentication.path, disk)),
    authorization: files.authorization && (await FollowedFile.open(files.authorization.path, disk)),
  }
  const authentication = await files.authentication?.read()
  const authorization = await files.authorization?.read()
  return {
    authentication,
    authorization,
    follow(api) {
      const stack = new Disposal()
      const about = { disk, clock, log, registry: api.metrics, server: () => api.name() }
      const loads = {
        async authentication() {
          const next = await files.authentication!.read()
          if (!same(next.strangersAt, authentication!.strangersAt))
            throw new BadSetting('anonymous: Forbidden: changed from initial configuration file')
          api.choose({ issuers: next.issuers })
        },
        authorization: async () => api.choose({ authorization: await files.authorization!.read() }),
      }
      for (const what of ['authentication', 'authorization'] as const) {
        const file = opened[what]
        if (!file) continue
        const following = file.follow(loads[what], { ...about, what })
        stack.defer(() => following[Symbol.dispose]())
      }
      return stack
    },
  }
}
