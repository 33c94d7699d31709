import { Refused } from './pod-access.ts'

/** A port without TLS, at which nobody says who he is. */
export interface PlainPort {
  host: string
  /** 0: any free one. */
  port: number
  /** `health`: whether the node's agent lives. `reading`: also its pods and what is measured, as at kubelet's read-only port. */
  answers: 'health' | 'reading'
}

const paths = {
  health: /^\/healthz(\/|$)/,
  reading: /^\/(healthz(\/.*)?|pods|stats\/summary|metrics(\/(cadvisor|resource|probes|slis))?)$/,
}

/** Undefined: that may be asked there. */
export function plainProblem(answers: PlainPort['answers'], method: string, pathname: string): Refused | undefined {
  if (!paths[answers].test(pathname)) return new Refused(404, '404 page not found')
  return method === 'GET' || method === 'HEAD' ? undefined : new Refused(405, 'Method Not Allowed')
}
