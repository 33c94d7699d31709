import { join } from 'node:path'
import { Disposal } from '../../base/disposal.ts'
import { createLogger } from '../../base/logger.ts'
import { prepareDataDir } from '../../main/data-dir.ts'
import { aborted } from '../../main/elected.ts'
import { joinTokenText } from '../../main/join.ts'
import { systemOutside } from '../../main/outside.ts'
import { keepOwnKubeconfig } from '../../main/own-kubeconfig.ts'
import { notePart } from '../../main/run-file.ts'
import { startServer } from '../../main/server.ts'
import type { CliCommand } from '../command.ts'
import { partLines } from '../progress.ts'
import { auditFlags, oidcFlags, settingsOf, storeFlags, withSettings } from './settings-flags.ts'

export const server: CliCommand = {
  register(program, outside) {
    withSettings(program.command('server'), [
      'data-dir',
      'listen',
      'store',
      'kubeconfig',
      'cluster-cidr',
      'service-cidr',
      'cluster-domain',
      'tls-min-version',
      'tls-cipher-suites',
      ...oidcFlags,
      'authentication-config',
      'authorization-config',
      'authorization-policy-file',
      'token-auth-file',
      'service-account-issuer',
      'service-account-jwks-uri',
      'api-audiences',
      'admission-control-config-file',
      ...auditFlags,
      'log-level',
      ...storeFlags,
    ])
      .description('run only the store and the API server')
      .action(async (given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        await prepareDataDir(outside.disk, settings.dataDir)
        const world = systemOutside(createLogger(settings.logLevel, join(settings.dataDir, 'logs/server.log')))
        await using _note = await notePart(outside.disk, settings.dataDir, 'server')
        const lines = partLines(outside.terminal)
        await using running = await startServer({ settings, outside: world, report: lines.report })
        const { url, pki } = running
        await using stack = new Disposal()
        const { places, letBe } = await keepOwnKubeconfig({
          ...{ settings, pki, url, outside: world, env: process.env },
        })
        stack.defer(letBe)
        outside.terminal.out(`kubeconfig   ${places}\n`)
        outside.terminal.out(
          `nodes join   optiflow agent --server ${url} --token ${joinTokenText(pki.joinToken, pki.ca.cert)}\n`,
        )
        await aborted(outside.signal)
      })
  },
}
