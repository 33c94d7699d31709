import type { Commands } from '../../src/base/commands.ts'
import type { Disk } from '../../src/base/disk.ts'
import { buildImage, type OciImage } from '../../src/runtime/oci-image.ts'
import type { TarEntry } from '../../src/runtime/tar.ts'

const script = `#!/bin/sh
mkdir -p /www
echo "version $VERSION on $(hostname)" > /www/index.html
httpd -f -p 8080 -h /www &
trap 'kill $!; exit 0' TERM INT
echo "serving version $VERSION"
while true; do sleep 1 & wait $!; done
`

/** busybox with a web page that says `version N on POD`; the images of all versions share a layer. */
export async function webImage(disk: Disk, commands: Commands, version: string): Promise<OciImage> {
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [await busyboxFiles(disk, commands), [{ path: 'start.sh', mode: 0o755, data: script }]],
    env: { VERSION: version },
    entrypoint: ['/start.sh'],
    ports: ['8080/tcp'],
  })
}

/** A layer with the host's busybox under the names of all its programs. */
export async function busyboxFiles(disk: Disk, commands: Commands): Promise<TarEntry[]> {
  const busybox = await disk.read('/bin/busybox')
  const { stdout } = await commands.run('/bin/busybox', ['--list'])
  const applets = stdout.split('\n').filter(name => name && name !== 'busybox')
  return [
    ...['bin', 'etc', 'tmp', 'www'].map(path => ({ path, folder: true as const })),
    { path: 'bin/busybox', mode: 0o755, data: busybox },
    ...applets.map(name => ({ path: `bin/${name}`, link: 'busybox' })),
    { path: 'etc/passwd', data: 'root:x:0:0:root:/:/bin/sh\n' },
  ]
}
