import type { Pod } from '../models/kinds/index.ts'
import { UsageError } from './failure.ts'
import type { Selecting } from './pods-of.ts'

/** A port of this machine that leads to a port of a pod. */
export interface ForwardedPort {
  /** 0: any that is free. */
  local: number
  /** The pod's. */
  remote: number
}

/** As it is asked for: `8080:80`, `8080:http`, `80`, or `:80` for any free port here. */
export function forwardedPort(text: string, through: Selecting, pod: Pod): ForwardedPort {
  const [first = '', second] = text.split(':')
  const wanted = second ?? first
  const remote = podPort(podPortOf(through, wanted), pod)
  const local = second === undefined && !/^\d+$/.test(first) ? remote : Number(first)
  if (!isPort(remote) || !(local === 0 || isPort(local)) || text.split(':').length > 2)
    throw new UsageError(`"${text}" is no port to forward`, {
      hint: 'LOCAL:REMOTE such as 8080:80, one number for both, or :80 for any free port here.',
    })
  return { local, remote }
}

const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536

/** A Service and a Workload have ports of their own, which lead to ports of their pods. */
function podPortOf({ kind, spec }: Selecting, wanted: string): string {
  if (kind !== 'Service' && kind !== 'Workload') return wanted
  const ports: { name?: string; port: number; targetPort?: number | string }[] = spec?.ports ?? []
  const port = ports.find(p => p.name === wanted || String(p.port) === wanted)
  return port ? String(port.targetPort ?? port.port) : wanted
}

/** @throws UsageError when no container calls a port so */
function podPort(wanted: string, { spec, metadata }: Pod): number {
  if (/^\d+$/.test(wanted)) return Number(wanted)
  const ports = spec.containers.flatMap(c => c.ports ?? [])
  const named = ports.find(p => p.name === wanted)
  if (named) return named.containerPort
  const names = ports.flatMap(p => p.name ?? [])
  throw new UsageError(`no container of pod ${metadata.name} calls a port "${wanted}"`, {
    hint: names.length ? `They have ${names.join(', ')}.` : 'They name none: give its number.',
  })
}
