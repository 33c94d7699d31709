// What this project needs from the machine, and installing what is missing. Plain JavaScript: it runs before npm ci.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian packages by the file that shows they are there, and why we want them. */
export const nodePackages = [
  { name: 'containerd', has: 'containerd', why: 'runs the containers' },
  { name: 'runc', has: 'runc', why: 'starts each container for containerd' },
  { name: 'containernetworking-plugins', has: '/usr/lib/cni/bridge', why: 'gives pods their network' },
  { name: 'nftables', has: 'nft', why: 'leads Service addresses to pods' },
  { name: 'conntrack', has: 'conntrack', why: 'ends UDP flows to pods that are gone' },
  { name: 'iptables', has: 'iptables', why: 'host ports, by the CNI plugin portmap' },
  { name: 'iproute2', has: 'ip', why: 'routes between nodes' },
  { name: 'busybox-static', has: 'busybox', why: 'what the demo and test images are made of' },
]
export const testPackages = [
  ...nodePackages,
  { name: 'etcd-server', has: 'etcd', why: 'the second store engine, in tests' },
  { name: 'docker-registry', has: 'docker-registry', why: 'a registry that we did not write, in tests' },
  { name: 'curl', has: 'curl', why: 'asks workloads, in tests' },
  { name: 'haproxy', has: 'haproxy', why: 'carries the requests of the gateway, in tests' },
  { name: 'bind9-dnsutils', has: 'dig', why: 'asks the cluster DNS, in tests' },
  { name: 'chromium', has: 'chromium', why: 'a browser in front of the gateway, in tests' },
  {
    name: 'python3-kubernetes',
    has: '/usr/lib/python3/dist-packages/kubernetes/__init__.py',
    why: 'a client that we did not write, in tests',
  },
  { name: 'ipset', has: 'ipset', why: 'sets as Calico leaves them on a node, in tests' },
  { name: 'procps', has: 'ps', why: 'looks for left-over processes, in tests' },
]

export const isRoot = process.getuid?.() === 0
export const hasApt = onPath('apt-get')

export function onPath(name) {
  if (name.startsWith('/')) return existsSync(name)
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some(dir => {
    try {
      accessSync(join(dir, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function missing(packages) {
  return packages.filter(p => !onPath(p.has))
}

/** Installs with apt-get and says what and why. @returns what is still missing */
export function installMissing(packages, say = console.log) {
  const wanted = missing(packages)
  if (!wanted.length || !isRoot || !hasApt || process.platform !== 'linux') return wanted
  say('Installing from Debian:')
  for (const p of wanted) say(`  ${p.name.padEnd(28)} ${p.why}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const names = wanted.map(p => p.name)
  const install = some =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...some], { env, encoding: 'utf8' })
  let done = install(names)
  if (done.status !== 0) {
    spawnSync('apt-get', ['update'], { env, encoding: 'utf8' })
    done = install(names)
  }
  // One that cannot be had does not keep the others away.
  if (done.status !== 0) for (const name of names) install([name])
  if (done.status !== 0)
    say(`apt-get install failed:\n${(done.stderr || done.stdout || '').trim().split('\n').slice(-5).join('\n')}`)
  return missing(packages)
}

/** Runs npm ci unless node_modules already is what package-lock.json says. */
export function installNodeModules(root, say = console.log) {
  const lock = join(root, 'package-lock.json')
  const marker = join(root, 'node_modules/.package-lock.json')
  if (existsSync(marker)) {
    const wanted = Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).filter(
      ([path, p]) => path && !p.optional,
    )
    const have = JSON.parse(readFileSync(marker, 'utf8')).packages
    if (wanted.every(([path, p]) => have[path]?.version === p.version)) return
  }
  say('Installing npm packages (npm ci) …')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    console.error('Error: npm ci failed\n→ See its output above; it needs the npm registry once.')
    process.exit(1)
  }
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 11)) return
  console.error(`Error: Node ${process.versions.node} is too old\n→ Install Node 20.11 or newer.`)
  process.exit(1)
}
