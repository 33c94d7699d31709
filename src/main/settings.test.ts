import { expect, test } from 'vitest'
import { resolveSettings } from './settings.ts'

const machine = { root: true, containerd: true, hostname: 'Box.local' }

test('flags win over variables, variables over the config file, and that over the defaults', () => {
  const settings = resolveSettings({
    flags: { nodes: '3' },
    env: { OPTIFLOW_NODES: '2', OPTIFLOW_LISTEN: '0.0.0.0:7443' },
    file: 'nodes: 1\nlisten: 127.0.0.1:1\ncluster-domain: home.arpa\n',
    machine,
  })
  expect(settings).toMatchObject({
    nodes: 3,
    listen: { host: '0.0.0.0', port: 7443 },
    clusterDomain: 'home.arpa',
    runtime: 'containerd',
    nodeName: 'box.local',
    dataDir: '/var/lib/optiflow',
  })
})

test('without root the runtime is simulated unless asked for', () => {
  expect(resolveSettings({ flags: {}, env: {}, machine: { ...machine, root: false } }).runtime).toBe('simulated')
})

test("with another network plugin policies are that plugin's, and ours cannot be asked for", () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  expect(resolve({}).networkPolicy).toBe('builtin')
  expect(resolve({ network: 'cni' })).toMatchObject({ networkPolicy: 'off', cniConfDir: '/etc/cni/net.d' })
  expect(() => resolve({ network: 'cni', 'network-policy': 'builtin' })).toThrow('--network-policy builtin needs')
})

test.each([
  [{ flags: { listen: 'here' } }, '--listen: "here" is not HOST:PORT, such as 127.0.0.1:6443'],
  [
    { env: { OPTIFLOW_STORE: 'postgres' } },
    'OPTIFLOW_STORE: "postgres" is not sqlite, memory or etcd=URL,… such as etcd=http://127.0.0.1:2379',
  ],
  [{ flags: { nodes: '-1' } }, '--nodes: "-1" is not a whole number from 0 to 10000'],
  [{ file: 'runtime: docker' }, 'runtime in the config file: "docker" is not one of containerd, simulated'],
  [{ file: 'port: 1' }, 'the config file has an unknown setting "port"'],
])('a bad setting is refused by name %#', (sources, message) => {
  expect(() => resolveSettings({ flags: {}, env: {}, machine, ...sources })).toThrow(message)
})
