import { sleep } from '../base/clock.ts'
import { kubeconfigContexts, kubeconfigFiles } from '../main/kubeconfig.ts'
import type { Outside } from './command.ts'
import type { Asked, CompletionSources } from './completions.ts'
import type { ConnectionFlags, Remote } from './connection.ts'
import { discover, findResource, pathOf } from './resource-names.ts'

/** Who presses Tab does not wait for a cluster that is gone. */
const patienceMs = 1_500
/** More names than a shell shows are of no use. */
const mostNames = 500
const asNames = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

/** Asks the cluster that the flags name, briefly; whatever goes wrong is no completion, and no words on the screen. */
export function askedNames(outside: Outside): CompletionSources {
  return {
    async ask(asked, flags) {
      const late = sleep(outside.clock, patienceMs).then((): string[] => [])
      return Promise.race([answer(outside, asked, flags).catch((): string[] => []), late])
    },
  }
}

async function answer(outside: Outside, asked: Asked, flags: ConnectionFlags): Promise<string[]> {
  if (asked.what === 'contexts')
    return kubeconfigContexts(outside.disk, flags.kubeconfig ? [flags.kubeconfig] : kubeconfigFiles(outside.env))
  await using remote = await outside.connect(flags)
  return asked.what === 'kinds' ? kinds(remote) : names(remote, asked.kind, asked.before ?? '')
}

async function kinds(remote: Remote): Promise<string[]> {
  const listed = (await discover(remote)).filter(({ verbs }) => verbs.includes('list'))
  return [...new Set(listed.map(({ plural }) => plural))].sort()
}

async function names(remote: Remote, kind: string, before: string): Promise<string[]> {
  const resource = findResource(await discover(remote), kind)
  const url = `${pathOf(resource, remote.namespace)}?limit=${mostNames}`
  const { items } = await remote.json<{ items: { metadata: { name: string } }[] }>('GET', url, { accept: asNames })
  return items.map(({ metadata }) => before + metadata.name).sort()
}
