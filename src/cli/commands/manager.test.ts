import { expect, test } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Outside } from '../command.ts'
import type { ConnectionFlags } from '../connection.ts'
import { runProgram } from '../program.ts'
import { controller } from './controller.ts'
import { scheduler } from './scheduler.ts'

test('controllers and scheduler in processes of their own are known to the server by the names of Kubernetes’ components', async () => {
  const asked: ConnectionFlags[] = []
  const connect = async (flags: ConnectionFlags) => {
    asked.push(flags)
    throw new Error('not today')
  }
  const terminal = { paint: new Proxy({}, { get: () => (t: string) => t }), out: () => {}, err: () => {} }
  const disk = {
    ...systemDisk,
    exists: async () => false,
    write: async () => {},
    makeFolder: async () => {},
    remove: async () => {},
  }
  const outside = { terminal, disk, env: {}, clock: new VirtualClock(), connect, signal: new AbortController().signal }
  const given = ['--data-dir', '/nowhere', '--kubeconfig', '/nowhere/kubeconfig']
  for (const name of ['controller', 'scheduler'])
    await runProgram([name, ...given], outside as unknown as Outside, [controller, scheduler])
  expect(asked.map(flags => flags.userAgent)).toEqual(['kube-controller-manager', 'kube-scheduler'])
})
