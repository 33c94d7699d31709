/** What /version says. major and minor are those of the Kubernetes API that is served. */
export const versionInfo = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+optiflow',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-11-23T00:00:00Z',
  goVersion: 'none',
  compiler: 'typescript',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}

/** The version of the API without that of the program, as documents name it: `1.32`. */
export const servedVersion = `${versionInfo.major}.${versionInfo.minor}`
