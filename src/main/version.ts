declare const OPTIFLOW_VERSION: string | undefined

/** Of this program; put in by the build. */
export const version = typeof OPTIFLOW_VERSION === 'string' ? OPTIFLOW_VERSION : '0.1.0-dev'

/** Of the Kubernetes API that we serve. */
export const kubernetesVersion = { major: '1', minor: '32', gitVersion: 'v1.32.3' }
