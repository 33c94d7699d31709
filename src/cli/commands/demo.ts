import { join, resolve } from 'node:path'
import { Listr, type ListrTaskWrapper } from 'listr2'
import { sleep } from '../../base/clock.ts'
import { systemCommands } from '../../base/commands.ts'
import { systemNet } from '../../base/net.ts'
import { demoRegistryHost, openDemoRegistry } from '../../main/demo-image.ts'
import { readRunFile } from '../../main/run-file.ts'
import { type CliCommand, type Outside, withRemote } from '../command.ts'
import type { Remote } from '../connection.ts'
import { startDetached } from '../detached-cluster.ts'
import { UsageError } from '../failure.ts'
import { readManifests } from '../manifests.ts'
import { discover } from '../resource-names.ts'
import { applyObject } from './apply.ts'
import { flagsAgain, settingsOf, withSettings } from './settings-flags.ts'

const registryPort = 5099
const patienceMs = 120_000

export const demo: CliCommand = {
  register(program, outside) {
    withSettings(program.command('demo'), ['data-dir', 'listen', 'runtime', 'kubeconfig'])
      .description('start a cluster and show a workload on its whole way')
      .option('-f, --filename <file>', 'the workload', 'examples/hello.yaml')
      .action(async (given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        const simulated = settings.runtime === 'simulated'
        const mirror = simulated ? {} : { registryMirror: `${demoRegistryHost}=http://127.0.0.1:${registryPort}` }
        await startDetached(outside, settings, flagsAgain({ ...given, ...mirror }))
        const run = await readRunFile(outside.disk, settings.dataDir)
        if (!run)
          throw new UsageError('the cluster ended while it started', {
            hint: `See ${join(settings.dataDir, 'logs/optiflow.log')}.`,
          })
        const registry =
          run.runtime === 'simulated' ? undefined : await openDemoRegistry(outside.disk, systemCommands, registryPort)
        try {
          await withRemote(outside, { kubeconfig: run.kubeconfig, context: run.context }, remote =>
            show(outside, remote, resolve(String(given['filename'])), run.runtime === 'simulated'),
          )
        } finally {
          await registry?.[Symbol.asyncDispose]()
        }
      })
  },
}

async function show(outside: Outside, remote: Remote, file: string, simulated: boolean): Promise<void> {
  const { terminal } = outside
  const started = outside.clock.monotonicMs()
  const manifests = await readManifests([file], outside.disk, outside.readStdin)
  const workload = manifests[0]!.object
  const name: string = workload.metadata.name
  terminal.out('\n')
  const tasks = new Listr(
    [
      {
        title: `workload/${name}: ${workload['spec'].replicas} × ${workload['spec'].image}`,
        task: (_, task) =>
          task.newListr(
            [
              {
                title: 'submitted',
                task: async (_, step) => {
                  const { outcome } = await applyObject(remote, await discover(remote), workload, {
                    forceConflicts: true,
                  })
                  step.title = `submitted (${outcome})`
                },
              },
              {
                title: `deployment/${name}`,
                task: async (_, step) => void (step.title = await deployment(outside, remote, name)),
              },
              { title: 'pods', task: (_, step) => podTasks(outside, remote, name, workload['spec'].replicas, step) },
              {
                title: `service/${name}`,
                task: async (_, step) => void (step.title = await service(outside, remote, name)),
              },
            ],
            { concurrent: false, rendererOptions: { collapseSubtasks: false } },
          ),
      },
    ],
    {
      rendererOptions: { collapseSubtasks: false },
      fallbackRenderer: 'simple',
      fallbackRendererCondition: () => !terminal.interactive,
      silentRendererCondition: false,
    },
  )
  await tasks.run()
  const seconds = ((outside.clock.monotonicMs() - started) / 1000).toFixed(1)
  const url = (await remote.json('GET', workloadPath(remote, name))).status?.url as string | undefined
  if (simulated)
    terminal.out(
      `\n${terminal.paint.yellow('SIMULATED')} the pods are ready after ${seconds} s, but nothing really runs, so there is nothing to ask.\n`,
    )
  else if (url) {
    const reply = await until(outside, `an answer from ${url}`, async () => {
      const r = await systemNet.request(url, { timeoutMs: 2000 })
      return r.status === 200 ? r : undefined
    })
    terminal.out(
      `\nReady after ${seconds} s. ${terminal.paint.bold('GET')} ${terminal.paint.cyan(url)}\n  ${terminal.paint.green(reply.body.toString().trim())}\n`,
    )
  }
  terminal.out(
    `\nThe cluster goes on. Try:\n  bin/optiflow get all\n  bin/optiflow logs workload/${name}\n  bin/optiflow run web --image ${workload['spec'].image} --replicas 2 --port 80:8080\n`,
  )
  terminal.out(`${terminal.paint.dim('bin/optiflow down stops everything; down --purge leaves no trace.')}\n`)
}

const workloadPath = (remote: Remote, name: string) =>
  `/apis/optiflow.dev/v1/namespaces/${remote.namespace}/workloads/${name}`

async function deployment(outside: Outside, remote: Remote, name: string): Promise<string> {
  const path = `/apis/apps/v1/namespaces/${remote.namespace}/deployments/${name}`
  const made = await until(outside, `deployment/${name}`, () => remote.json<any>('GET', path))
  return `deployment/${name}, owned by the workload (revision ${made!.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '1'})`
}

async function podTasks(
  outside: Outside,
  remote: Remote,
  name: string,
  replicas: number,
  task: ListrTaskWrapper<any, any, any>,
) {
  const path = `/api/v1/namespaces/${remote.namespace}/pods?labelSelector=${encodeURIComponent(await selectorOf(outside, remote, name))}`
  const live = async () => (await remote.json('GET', path)).items.filter((p: any) => !p.metadata.deletionTimestamp)
  const pods = await until(outside, `${replicas} pods of workload/${name}`, async () => {
    const items = await live()
    return items.length >= replicas ? items : undefined
  })
  return task.newListr(
    pods.map((pod: any) => ({
      title: pod.metadata.name,
      task: async (_: unknown, step: ListrTaskWrapper<any, any, any>) => {
        await until(outside, `pod/${pod.metadata.name} to be ready`, async () => {
          const now = (await live()).find((p: any) => p.metadata.uid === pod.metadata.uid)
          if (!now) return true
          step.title = podLine(now)
          return ready(now) || undefined
        })
      },
    })),
    { concurrent: true },
  )
}

/** `hello-7d4b9-x2x4z  → box  image pulled  10.244.0.7  ready` */
export function podLine(pod: any): string {
  const container = pod.status?.containerStatuses?.[0]
  const trouble = container?.state?.waiting
  const steps = [
    pod.spec.nodeName ? `→ ${pod.spec.nodeName}` : 'waiting for a node',
    container?.imageID ? 'image pulled' : '',
    pod.status?.podIP ?? '',
    ready(pod)
      ? 'ready'
      : trouble?.message
        ? `${trouble.reason}: ${trouble.message}`
        : (trouble?.reason ?? (container?.state?.running ? 'started' : '')),
  ]
  return `pod/${pod.metadata.name}  ${steps.filter(Boolean).join('  ')}`
}

const ready = (pod: any): boolean =>
  pod.status?.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True') ?? false

async function selectorOf(outside: Outside, remote: Remote, name: string): Promise<string> {
  const found = await until(outside, `the status of workload/${name}`, async () => {
    const { status } = await remote.json('GET', workloadPath(remote, name))
    return status?.selector as string | undefined
  })
  return found
}

async function service(outside: Outside, remote: Remote, name: string): Promise<string> {
  const url = await until(
    outside,
    `the address of workload/${name}`,
    async () => (await remote.json('GET', workloadPath(remote, name))).status?.url as string | undefined,
  )
  const made = await remote.json('GET', `/api/v1/namespaces/${remote.namespace}/services/${name}`)
  return `service/${name} at ${made.spec.clusterIP}, from outside ${url}`
}

/** Asks again until there is something, at most two minutes. @throws UsageError naming what never came, with the last refusal */
async function until<T>(outside: Outside, what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = outside.clock.monotonicMs() + patienceMs
  let last: unknown
  for (;;) {
    try {
      const found = await ask()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    if (outside.clock.monotonicMs() > deadline)
      throw new UsageError(`no sign of ${what} after ${patienceMs / 1000} s`, {
        cause: last,
        hint: 'See "bin/optiflow events" and "bin/optiflow status".',
      })
    await sleep(outside.clock, 150, outside.signal)
  }
}
