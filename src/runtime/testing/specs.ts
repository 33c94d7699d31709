import type { ContainerSecurity, ContainerSpec, SandboxSpec } from '../runtime.ts'

/** A pod of a test, with nothing special about it. */
export function podSpec(name: string, more: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    uid: `uid-of-${name}`,
    name,
    namespace: 'default',
    attempt: 0,
    hostname: name,
    labels: {},
    annotations: {},
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    dns: undefined,
    portMappings: [],
    sysctls: {},
    runtimeHandler: '',
    cgroupParent: '',
    logFolder: `/logs/${name}`,
    ...more,
  }
}

/** A container of a test: runs a shell script. */
export function containerSpec(
  image: string,
  imageRef: string,
  script: string,
  more: Omit<Partial<ContainerSpec>, 'security'> & { security?: Partial<ContainerSecurity> } = {},
): ContainerSpec {
  return {
    name: 'main',
    attempt: 0,
    image,
    imageRef,
    command: ['sh', '-c', script],
    args: [],
    workingDir: '',
    env: [],
    mounts: [],
    labels: {},
    annotations: {},
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: {},
    ...more,
    security: {
      privileged: false,
      readOnlyRoot: false,
      noNewPrivileges: false,
      supplementalGroups: [],
      addCapabilities: [],
      dropCapabilities: [],
      seccomp: 'RuntimeDefault',
      ...more.security,
    },
  }
}
