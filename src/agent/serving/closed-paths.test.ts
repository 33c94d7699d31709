import { expect, test } from 'vitest'
import { closedProblem } from './closed-paths.ts'

const paths = ['/exec/a/b/c', '/containerLogs/a/b/c', '/logs/syslog', '/runningpods/', '/metrics', '/pods', '/healthz']
const answered = (closed: Parameters<typeof closedProblem>[1]) =>
  paths
    .map(path => closedProblem(path, closed))
    .map(problem => (problem ? `${problem.status} ${problem.message}` : 'yes'))

// kubelet/server/server.go of 1.32: InstallDebuggingDisabledHandlers, InstallSystemLogHandler.
test('a node does not answer what was closed, in the words of a kubelet', () => {
  const no = '405 Debug endpoints are disabled.'
  expect(answered(undefined)).toEqual(['yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes'])
  expect(answered({ debugging: true })).toEqual([no, no, no, no, 'yes', 'yes', 'yes'])
  expect(answered({ machineLogs: true })[2]).toBe('405 logs endpoint is disabled.')
})
