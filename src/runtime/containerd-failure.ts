import { OptiFlowError } from '../base/errors.ts'

/** containerd did not start; the message has the evidence from its log. */
export class ContainerdFailed extends OptiFlowError {}

/** Older ones do not speak CRI v1. @throws ContainerdFailed */
export function refuseTooOld(version: string): void {
  const [major, minor] = version.split('.').map(text => Number.parseInt(text, 10)) as [number, number]
  if (!(major < 1 || (major === 1 && minor < 6))) return
  throw new ContainerdFailed(`containerd ${version} is too old: it does not speak CRI v1`, {
    hint: 'Install containerd 1.6 or newer.',
  })
}

/** Finds the reason in what containerd logged before it gave up. */
export function readFailure(log: string): { evidence?: string; hint?: string } {
  const lines = log.split('\n').filter(line => line.trim())
  const worst =
    lines.filter(line => /level=(fatal|panic)|^containerd: |^panic:|error/i.test(line)).at(-1) ?? lines.at(-1)
  if (!worst) return {}
  const evidence = (/msg="((?:[^"\\]|\\.)*)"/.exec(worst)?.[1] ?? worst).replaceAll('\\"', '"')
  const cause = /error="((?:[^"\\]|\\.)*)"/.exec(worst)?.[1]
  const whole = cause ? `${evidence}: ${cause.replaceAll('\\"', '"')}` : evidence
  if (/address already in use|bind:/.test(whole))
    return { evidence: whole, hint: 'Another containerd uses this socket: end it, or choose another state folder.' }
  if (/toml|config|unknown key|decode/i.test(whole))
    return { evidence: whole, hint: 'This containerd does not take the configuration we wrote; report its version.' }
  if (/timeout|resource temporarily unavailable|lock|boltdb/.test(whole))
    return { evidence: whole, hint: 'Another containerd holds the same folder: end it first.' }
  if (/permission denied|operation not permitted/.test(whole))
    return { evidence: whole, hint: 'containerd needs root: run as root, or pass --runtime simulated.' }
  return { evidence: whole }
}
