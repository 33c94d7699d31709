import { CalicoNetworkPolicy, GlobalNetworkPolicy } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { readManifests } from '../../manifests.ts'
import { explainConnection, withConnectionQuestion } from '../why-connection.ts'
import { writeObjects } from './from-file.ts'
import { addList, addResourceVerbs } from './resource-verbs.ts'
import { type CalicoFlags, withCalico, withDatastore } from './session.ts'

interface CreateFlags extends CalicoFlags {
  filename: string[]
}

export const policy: CliCommand = {
  register(program, outside) {
    const group = program.command('policy').description("Calico's own policies, beside NetworkPolicy of Kubernetes")
    addResourceVerbs(group, outside, GlobalNetworkPolicy)
    addList(group.command('namespaced').description('those of one namespace'), outside, CalicoNetworkPolicy)
    withDatastore(group.command('create'))
      .description('create or change GlobalNetworkPolicy and NetworkPolicy of projectcalico.org/v3')
      .requiredOption('-f, --filename <file...>', 'YAML or JSON files, or - for standard input')
      .action((flags: CreateFlags) =>
        withCalico(outside, flags, async ({ datastore, remote }) => {
          const manifests = await readManifests(flags.filename, outside.disk, outside.readStdin)
          const kinds = [GlobalNetworkPolicy, CalicoNetworkPolicy]
          for (const { name, outcome } of await writeObjects(datastore, kinds, manifests, remote.namespace))
            outside.terminal.out(`${name} ${outcome}\n`)
        }),
      )
    withConnectionQuestion(withDatastore(group.command('explain <from> <to>')))
      .description('which policies and rules decide: optiflow calico policy explain pod/a pod/b:80')
      .action((from: string, to: string, flags) => explainConnection(outside, from, to, flags))
  },
}
