import { Refused } from './pod-access.ts'

/** What a node does not answer, whoever asks. */
export interface ClosedPaths {
  /** What reaches into pods, and logs. */
  debugging?: boolean
  /** Logs of the machine. */
  machineLogs?: boolean
}

const debugging = new Set(['run', 'exec', 'attach', 'portForward', 'containerLogs', 'runningpods', 'logs'])

/** Said in kubelet's words. @param path without the query */
export function closedProblem(path: string, closed: ClosedPaths = {}): Refused | undefined {
  const first = path.split('/')[1]!
  if (closed.debugging && debugging.has(first)) return new Refused(405, 'Debug endpoints are disabled.')
  if (closed.machineLogs && first === 'logs') return new Refused(405, 'logs endpoint is disabled.')
  return undefined
}
