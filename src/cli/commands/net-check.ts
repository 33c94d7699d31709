import { OptiFlowError } from '../../base/errors.ts'
import { netCheck as checkPath, nodeNetworkOf } from '../../main/net-check/gather.ts'
import type { CliCommand } from '../command.ts'
import { formatObject } from '../output.ts'
import { pathText } from '../path-text.ts'
import { withCalico, withDatastore } from './calico/session.ts'
import { type ConnectionQuestionFlags, protocolOf, withConnectionQuestion } from './why-connection.ts'

/** Something on the way does not let the connection through. */
class PathBroken extends OptiFlowError {}

export const netCheck: CliCommand = {
  register(program, outside) {
    withConnectionQuestion(withDatastore(program.command('check <from> <to>')))
      .description('draw the way from a pod to a Service or pod (svc/db:5432, pod/b:80), and say where it breaks')
      .action(async (from: string, to: string, flags: ConnectionQuestionFlags) => {
        const protocol = protocolOf(flags)
        await withCalico(outside, flags, async ({ remote, datastore }) => {
          const sources = { client: remote.client, datastore, askNode: nodeNetworkOf(remote) }
          const path = await checkPath(sources, { from, to, protocol, namespace: remote.namespace })
          const { output } = flags
          outside.terminal.out(output === 'json' || output === 'yaml' ? formatObject(path, output) : pathText(path))
          const { broken } = path
          if (broken) throw new PathBroken(`it breaks at ${broken.title}: ${broken.text}`, hintOf(broken.act))
        })
      })
  },
}

const hintOf = (hint: string | undefined) => (hint ? { hint } : {})
