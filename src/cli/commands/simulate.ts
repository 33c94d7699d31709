import { systemOutside } from '../../main/outside.ts'
import { type Scenario, simulateCluster } from '../../main/simulation.ts'
import { Node } from '../../models/kinds/index.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readManifests } from '../manifests.ts'
import { formatObject } from '../output.ts'
import { admitted, newNodes, podsOf, readReplay } from '../scenario.ts'
import { simulationText } from '../simulation-text.ts'

interface Flags extends ConnectionFlags {
  filename?: string[]
  addNode?: string[]
  removeNode?: string[]
  replay?: string
  output?: string
}

const several = (value: string, before: string[] = []) => [...before, value]

export const simulate: CliCommand = {
  register(program, outside) {
    withConnection(program.command('simulate'))
      .description(
        'what would happen: pods made, nodes added or removed; decided by the scheduler itself, nothing changed',
      )
      .option('-f, --filename <file>', 'pods, or objects that make pods; may be repeated', several)
      .option('--add-node <shape>', 'NODE×3: three nodes like NODE; or cpu=96,memory=384Gi×3', several)
      .option('--remove-node <name>', 'a node that would be gone; may be repeated', several)
      .option('--replay <trace>', "pods of a recorded workload (CSV with Alibaba's columns), after those of -f")
      .option('-o, --output <form>', 'json or yaml; text unless given')
      .action((flags: Flags) => run(outside, flags))
  },
}

async function run(outside: Outside, flags: Flags): Promise<void> {
  const { output } = flags
  if (output !== undefined && output !== 'json' && output !== 'yaml')
    throw new UsageError(`unknown output form "${output}"`, { hint: 'Use -o json or -o yaml.' })
  if (!flags.filename && !flags.addNode && !flags.removeNode && !flags.replay)
    throw new UsageError('nothing to simulate', { hint: 'Use -f, --add-node, --remove-node or --replay.' })
  await withRemote(outside, flags, async remote => {
    const found = await simulateCluster(remote.client, systemOutside(), await scenarioOf(outside, flags, remote))
    outside.terminal.out(output ? formatObject(found, output) : simulationText(found))
  })
}

async function scenarioOf(outside: Outside, flags: Flags, remote: Remote): Promise<Scenario> {
  const { filename = [], addNode = [], removeNode = [], replay } = flags
  // One that is not there would be a slip of the pen, and the answer to another question.
  for (const name of removeNode) await remote.client.get(Node, { name })
  const manifests = filename.length ? await readManifests(filename, outside.disk, outside.readStdin) : []
  const pods = []
  for (const { object } of manifests)
    for (const pod of podsOf(object, remote.namespace)) pods.push(await admitted(pod, remote))
  if (replay) pods.push(...(await readReplay(replay, outside.disk)))
  const addNodes = (await Promise.all(addNode.map(text => newNodes(text, remote)))).flat()
  return { pods, addNodes, removeNodes: removeNode }
}
