import type { ServedNode } from './served-node.ts'
import { single } from './text-form.ts'

/** How a new node came up, by kubelet's names: from the start of its kernel on where that is known. */
export async function startupFamilies({ metrics, disk }: ServedNode): Promise<string[]> {
  const parts = metrics?.startup.parts
  if (!metrics || !parts) return []
  const uptime = Number.parseFloat((await disk?.readText('/proc/uptime').catch(() => '')) ?? '')
  const before = uptime - metrics.startup.age
  const { preRegistration, registration, postRegistration, whole } = parts
  const gauge = (name: string, help: string, value: number | undefined) =>
    single(`kubelet_node_startup_${name}duration_seconds`, 'gauge', help, value)
  return [
    ...gauge(
      '',
      'From the start of the machine until the node was ready',
      whole === undefined ? whole : before + whole,
    ),
    ...gauge('post_registration_', 'From the registration of the node until it was ready', postRegistration),
    ...gauge('pre_kubelet_', 'From the start of the machine until that of the agent', before),
    ...gauge('pre_registration_', 'From the start of the agent until it asked to be registered', preRegistration),
    ...gauge('registration_', 'How long it took to register the node', registration),
  ]
}
