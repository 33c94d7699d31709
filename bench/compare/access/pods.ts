import type { Json } from '../side.ts'
import type { Asking, Made } from './index.ts'

const levels = ['privileged', 'baseline', 'restricted']
const label = 'pod-security.kubernetes.io'
const space = (name: string, labels: Json): Made[] => [
  ['/api/v1/namespaces', { metadata: { name, labels } }],
  [`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } }],
]

export const podScene: readonly Made[] = [
  ...levels.flatMap(level =>
    space(`secure-${level}`, { [`${label}/enforce`]: level, [`${label}/enforce-version`]: 'v1.32' }),
  ),
  ...space('secure-warn', { [`${label}/warn`]: 'restricted', [`${label}/audit`]: 'baseline' }),
  ...space('secure-old', {
    [`${label}/enforce`]: 'restricted',
    [`${label}/enforce-version`]: 'v1.18',
    [`${label}/warn`]: 'baseline',
  }),
  ...space('secure-bad', { [`${label}/enforce`]: 'strict', [`${label}/warn-version`]: 'x' }),
  ...space('secure-late', {}),
  [
    '/api/v1/namespaces/secure-late/pods',
    {
      metadata: { name: 'p' },
      spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
    },
  ],
]

const good = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
  capabilities: { drop: ['ALL'] },
}
const one = (securityContext: Json, more: Json = {}) => ({
  containers: [{ name: 'c', image: 'i', securityContext, ...more }],
})
const specs: Record<string, Json> = {
  plain: one(undefined),
  good: one(good),
  'good by the pod': {
    ...one({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost', localhostProfile: 'x' } },
  },
  'host namespaces': { ...one(good), hostNetwork: true, hostPID: true, hostIPC: true },
  privileged: one({ ...good, allowPrivilegeEscalation: true, privileged: true }),
  capabilities: one({ ...good, capabilities: { add: ['NET_ADMIN', 'CHOWN', 'NET_BIND_SERVICE'], drop: ['all'] } }),
  'bind service': one({ ...good, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } }),
  'host path': {
    ...one(good),
    volumes: [
      { name: 'a', hostPath: { path: '/' } },
      { name: 'b', hostPath: { path: '/x' } },
      { name: 'c', emptyDir: {} },
    ],
  },
  'many volumes': {
    ...one(good),
    volumes: [
      { name: 'a', nfs: { server: 's', path: '/' } },
      { name: 'b', iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.2001-04.com.example:a', lun: 0 } },
      { name: 'c', gcePersistentDisk: { pdName: 'x' } },
      { name: 'd', configMap: { name: 'x' } },
    ],
  },
  'host ports': one(good, {
    ports: [
      { containerPort: 80, hostPort: 80 },
      { containerPort: 81, hostPort: 8081 },
    ],
  }),
  apparmor: one({ ...good, appArmorProfile: { type: 'Unconfined' } }),
  selinux: one({ ...good, seLinuxOptions: { type: 'spc_t', user: 'u', role: 'r' } }),
  'proc mount': { ...one({ ...good, procMount: 'Unmasked' }), hostUsers: false },
  seccomp: one({ ...good, seccompProfile: { type: 'Unconfined' } }),
  'seccomp of the pod': {
    ...one({ ...good, seccompProfile: undefined }),
    securityContext: { seccompProfile: { type: 'Unconfined' } },
  },
  root: one({ ...good, runAsNonRoot: false, runAsUser: 0 }),
  'root by the pod': { ...one({ ...good, runAsNonRoot: undefined }), securityContext: { runAsUser: 0 } },
  sysctls: {
    ...one(good),
    securityContext: {
      sysctls: [
        { name: 'kernel.msgmax', value: '1' },
        { name: 'net.ipv4.tcp_syncookies', value: '1' },
      ],
    },
  },
  'windows host process': {
    ...one(good),
    hostNetwork: true,
    securityContext: { windowsOptions: { hostProcess: true } },
  },
  windows: { ...one(undefined), os: { name: 'windows' }, securityContext: { runAsNonRoot: true } },
  'several containers': {
    containers: [
      { name: 'a', image: 'i' },
      { name: 'b', image: 'i', securityContext: good },
    ],
    initContainers: [{ name: 'x', image: 'i', securityContext: { privileged: true } }],
  },
  probes: one(good, {
    livenessProbe: { httpGet: { port: 80, host: '1.2.3.4' } },
    lifecycle: { postStart: { tcpSocket: { port: 80, host: 'h' } } },
  }),
  everything: {
    ...one(
      { privileged: true, capabilities: { add: ['SYS_ADMIN'] }, runAsUser: 0, seccompProfile: { type: 'Unconfined' } },
      { ports: [{ containerPort: 80, hostPort: 80 }] },
    ),
    hostPID: true,
    volumes: [{ name: 'a', hostPath: { path: '/' } }],
  },
}
const spaces = [...levels.map(level => `secure-${level}`), 'secure-warn', 'secure-old', 'secure-bad']
const merge = 'application/merge-patch+json'
const relabel = (labels: Json): Asking => ({
  method: 'PATCH',
  path: '/api/v1/namespaces/secure-late?dryRun=All',
  body: { metadata: { labels } },
  type: merge,
})

export const podQuestions: readonly Asking[] = [
  ...spaces.flatMap(at =>
    Object.entries(specs).flatMap(([what, spec]): Asking[] => {
      const template = { metadata: { labels: { a: 'b' } }, spec }
      return [
        {
          what: `pod ${what} in ${at}`,
          method: 'POST',
          path: `/api/v1/namespaces/${at}/pods?dryRun=All`,
          body: { metadata: { name: 'p' }, spec },
        },
        ...(at === 'secure-privileged' || at === 'secure-bad'
          ? []
          : [
              {
                what: `deployment ${what} in ${at}`,
                method: 'POST',
                path: `/apis/apps/v1/namespaces/${at}/deployments?dryRun=All`,
                body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
              },
            ]),
      ]
    }),
  ),
  ...['apparmor', 'seccomp'].map(
    (name): Asking => ({
      what: `annotations of ${name}`,
      method: 'POST',
      path: '/api/v1/namespaces/secure-restricted/pods?dryRun=All',
      body: {
        metadata: { name: 'p', annotations: { [`container.${name}.security.beta.kubernetes.io/c`]: 'unconfined' } },
        spec: one(good),
      },
    }),
  ),
  ...[
    { [`${label}/enforce`]: 'restricted' },
    { [`${label}/enforce`]: 'baseline' },
    { [`${label}/enforce`]: 'x' },
    { [`${label}/enforce-version`]: 'v9' },
    { [`${label}/warn`]: 'restricted' },
    { [`${label}/enforce`]: 'baseline', [`${label}/enforce-version`]: 'v1.999' },
  ].map(relabel),
]
