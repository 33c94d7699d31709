import type { Commands } from '../../src/base/commands.ts'
import type { Disk } from '../../src/base/disk.ts'
import { buildImage, type OciImage } from '../../src/runtime/oci-image.ts'
import { programFiles } from './program-files.ts'

const config = `defaults
 mode http
 timeout client 60s
 timeout server 60s
 timeout connect 3s
frontend web
 bind :8080
 http-request return status 200 content-type text/plain lf-string "version \${VERSION}"
`

/** The host's HAProxy as a web server that takes thousands of requests a second on port 8080 and keeps connections. */
export async function swiftImage(disk: Disk, commands: Commands, version: string): Promise<OciImage> {
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [
      await programFiles(disk, commands, '/usr/sbin/haproxy'),
      [
        { path: 'etc/haproxy.cfg', data: config },
        { path: 'etc/passwd', data: 'root:x:0:0:root:/:/bin/sh\n' },
      ],
    ],
    env: { VERSION: version },
    entrypoint: ['/usr/sbin/haproxy', '-db', '-f', '/etc/haproxy.cfg'],
    ports: ['8080/tcp'],
  })
}
