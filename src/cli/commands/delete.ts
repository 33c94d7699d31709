import { sleep } from '../../base/clock.ts'
import { isNotFound } from '../../models/api-error.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readManifests } from '../manifests.ts'
import { discover, pathOf, qualifiedName, type ServedResource } from '../resource-names.ts'
import { resourceOfObject } from './apply.ts'
import { chooseTargets } from './get.ts'

interface Flags extends ConnectionFlags {
  filename?: string[]
  selector?: string
  all?: boolean
  cascade: string
  gracePeriod?: string
  ignoreNotFound?: boolean
  wait: boolean
}

export const remove: CliCommand = {
  register(program, outside) {
    withConnection(program.command('delete [resource] [names...]'))
      .description('delete objects by name, label or file')
      .option('-f, --filename <file...>', 'what the file names; - for standard input')
      .option('-l, --selector <labels>', 'all with these labels')
      .option('--all', 'all of the kind in the namespace')
      .option('--cascade <how>', 'background, foreground or orphan', 'background')
      .option('--grace-period <seconds>', 'seconds a pod has to end')
      .option('--ignore-not-found', 'nothing there is fine')
      .option('--no-wait', 'return at once, not when they are gone')
      .action((resource: string | undefined, names: string[], flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, resource, names, flags)),
      )
  },
}

interface Doomed {
  resource: ServedResource
  namespace: string | undefined
  name: string
}

async function run(
  outside: Outside,
  remote: Remote,
  resource: string | undefined,
  names: string[],
  flags: Flags,
): Promise<void> {
  const propagationPolicy = ({ background: 'Background', foreground: 'Foreground', orphan: 'Orphan' } as const)[
    flags.cascade
  ]
  if (!propagationPolicy) throw new UsageError(`--cascade: "${flags.cascade}" is not background, foreground or orphan`)
  const gone: { doomed: Doomed; uid: string | undefined }[] = []
  for (const doomed of await chooseDoomed(outside, remote, resource, names, flags)) {
    const { resource: r, namespace, name } = doomed
    try {
      const reply = await remote.json('DELETE', pathOf(r, namespace, name), {
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy,
          ...(flags.gracePeriod ? { gracePeriodSeconds: Number(flags.gracePeriod) } : {}),
        },
      })
      outside.terminal.out(`${qualifiedName(r, name).replace('/', ' "')}" deleted\n`)
      gone.push({ doomed, uid: reply.kind === 'Status' ? reply.details?.uid : reply.metadata?.uid })
    } catch (error) {
      if (!(flags.ignoreNotFound && isNotFound(error))) throw error
    }
  }
  if (flags.wait) for (const { doomed, uid } of gone) await untilGone(outside, remote, doomed, uid)
}

async function chooseDoomed(
  outside: Outside,
  remote: Remote,
  resource: string | undefined,
  names: string[],
  flags: Flags,
): Promise<Doomed[]> {
  const served = await discover(remote)
  if (flags.filename) {
    const manifests = await readManifests(flags.filename, outside.disk, outside.readStdin)
    return manifests.map(({ object }) => {
      const r = resourceOfObject(served, object)
      return {
        resource: r,
        namespace: r.namespaced ? (object.metadata.namespace ?? remote.namespace) : undefined,
        name: object.metadata.name,
      }
    })
  }
  if (!resource) throw new UsageError('say what to delete: TYPE NAME, TYPE/NAME, TYPE -l LABELS or -f FILE')
  const targets = chooseTargets(served, resource, names)
  const namespaceOf = (r: ServedResource) => (r.namespaced ? remote.namespace : undefined)
  if (targets.every(t => t.name))
    return targets.map(t => ({ resource: t.resource, namespace: namespaceOf(t.resource), name: t.name! }))
  if (!flags.selector && !flags.all)
    throw new UsageError(`name the ${resource} to delete`, { hint: 'Or use -l LABELS, or --all.' })
  const lists = await Promise.all(
    targets.map(async t => {
      const query = flags.selector ? `?labelSelector=${encodeURIComponent(flags.selector)}` : ''
      const { items } = await remote.json('GET', pathOf(t.resource, namespaceOf(t.resource)) + query)
      return items.map((o: any) => ({ resource: t.resource, namespace: o.metadata.namespace, name: o.metadata.name }))
    }),
  )
  return lists.flat()
}

async function untilGone(outside: Outside, remote: Remote, doomed: Doomed, uid: string | undefined): Promise<void> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 1.5, 1000)) {
    try {
      const now = await remote.json('GET', pathOf(doomed.resource, doomed.namespace, doomed.name))
      if (uid && now.metadata.uid !== uid) return
    } catch (error) {
      if (isNotFound(error)) return
      throw error
    }
    await sleep(outside.clock, waitMs, outside.signal)
  }
}
