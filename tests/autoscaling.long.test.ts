import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from './support/lan.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()
const patient = { timeoutMs: 120_000 }
const mebibyte = 1024 * 1024

/** Works as long as there is a file /tmp/busy; keeps 40 MiB while there is /tmp/full. */
const script = `
while true; do
  if [ -e /tmp/full ] && [ ! -e /dev/shm/ballast ]; then dd if=/dev/zero of=/dev/shm/ballast bs=1M count=40 2>/dev/null; fi
  if [ ! -e /tmp/full ]; then rm -f /dev/shm/ballast; fi
  if [ -e /tmp/busy ]; then i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; else sleep 0.2; fi
done`

// One story for each resource: what containers really use, as containerd tells the agent and metrics.k8s.io tells the controller.
describe.skipIf(obstacle)(
  `autoscaling by what containers really use${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lan: Lan
    let parts: Parts
    let registry: Started

    beforeAll(async () => {
      lan = await openLan(['box'])
      parts = new Parts(lan.machines['box']!, lan.folder)
      registry = await testRegistry(lan.machines['box']!, 5000)
      const server = ['--listen', '10.77.0.11:6443', '--kubeconfig', parts.kubeconfig]
      const started = await parts.start('server', ['--data-dir', parts.dataDir, ...server], 'nodes join')
      const { token } = /--token (?<token>\S+)/.exec(started.out())!.groups!
      const managers = ['--data-dir', parts.dataDir, '--kubeconfig', parts.kubeconfig]
      await parts.start('controller', managers, 'at work')
      await parts.start('scheduler', managers, 'at work')
      const agent = ['--data-dir', parts.dataDir, '--server', 'https://10.77.0.11:6443', '--token', token!]
      const mirror = ['--node-name', 'box', '--registry-mirror', 'registry.test=http://127.0.0.1:5000']
      await parts.start('agent', [...agent, ...mirror], '✔ network')
    })
    afterAll(async () => {
      await parts?.[Symbol.asyncDispose]()
      await registry?.stop()
      await lan?.[Symbol.asyncDispose]()
    })

    const resources = {
      requests: { cpu: '100m', memory: String(20 * mebibyte) },
      limits: { cpu: '250m', memory: String(200 * mebibyte) },
    }
    async function start(name: string, metric: 'cpu' | 'memory'): Promise<void> {
      const labels = { app: name }
      const container = { name: 'main', image: 'registry.test/web:1', command: ['sh', '-c', script], resources }
      const target = { type: 'Utilization', averageUtilization: 50 }
      await parts.apply(
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name, namespace: 'default' },
          spec: {
            selector: { matchLabels: labels },
            template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
          },
        },
        {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata: { name, namespace: 'default' },
          spec: {
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
            ...{ minReplicas: 1, maxReplicas: 3 },
            metrics: [{ type: 'Resource', resource: { name: metric, target } }],
            behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
          },
        },
      )
      await until('a pod', async () => (await ready(name)) === 1, patient)
    }
    const ready = async (name: string) => (await parts.pods(`app=${name}`)).filter(isReady).length
    const hpa = async (name: string) => (await parts.get('hpa', name)).status

    it.each([
      ['cpu', 'busy'],
      ['memory', 'full'],
    ] as const)('%s brings pods when it is used, and takes them when it no longer is', async (metric, file) => {
      await start(metric, metric)
      const idle = await until('figures', async () => (await hpa(metric))?.currentMetrics?.[0]?.resource, patient)
      expect(idle.name).toBe(metric)
      const first = (await parts.pods(`app=${metric}`))[0].metadata.name
      await parts.kubectl('exec', first, '--', 'touch', `/tmp/${file}`)
      await until('three pods', async () => (await ready(metric)) === 3, patient)
      const conditions = (await hpa(metric)).conditions.map((c: any) => `${c.type}=${c.status}`)
      expect(conditions).toEqual(
        expect.arrayContaining(['AbleToScale=True', 'ScalingActive=True', 'ScalingLimited=True']),
      )
      const top = await parts.kubectl('top', 'pod', first, '--no-headers')
      const [, millis, mebibytes] = /(\d+)m +(\d+)Mi/.exec(top)!
      expect(metric === 'cpu' ? Number(millis) : Number(mebibytes)).toBeGreaterThan(metric === 'cpu' ? 100 : 35)

      await parts.kubectl('exec', first, '--', 'rm', `/tmp/${file}`)
      await until('one pod', async () => (await ready(metric)) === 1, patient)
      const reasons = (await parts.get('events')).items
        .filter((e: any) => e.involvedObject.kind === 'HorizontalPodAutoscaler' && e.involvedObject.name === metric)
        .map((e: any) => e.message)
      expect(reasons).toContainEqual(expect.stringMatching(/^New size: \d; reason: .*above target$/))
      expect(reasons).toContainEqual('New size: 1; reason: All metrics below target')
      await parts.kubectl('delete', `deploy/${metric}`, `hpa/${metric}`)
    })
  },
)
