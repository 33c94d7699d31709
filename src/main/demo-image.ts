import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import { listenHttp } from '../base/http-listener.ts'
import { buildImage, type OciImage } from '../runtime/oci-image.ts'
import { type OciRegistry, openRegistry } from '../runtime/oci-registry.ts'

/** busybox is not there to be wrapped as an image. */
export class DemoImageMissing extends OptiFlowError {}

export const demoRegistryHost = 'demo.optiflow.dev'

const startScript = `#!/bin/sh
mkdir -p /www
echo "\${GREETING:-Hello} from $(hostname)" > /www/index.html
httpd -f -p "\${PORT:-8080}" -h /www &
trap 'kill $!; exit 0' TERM INT
echo "serving on port \${PORT:-8080}"
wait $!
`

/** A busybox web page as an OCI image, made from this machine's own static busybox. @throws DemoImageMissing */
export async function buildDemoImage(disk: Disk, commands: Commands): Promise<OciImage> {
  const busybox = await disk.read('/bin/busybox').catch(cause => {
    throw new DemoImageMissing('there is no /bin/busybox to make the demo image from', {
      cause,
      hint: 'apt-get install -y busybox-static',
    })
  })
  const { stdout } = await commands.run('/bin/busybox', ['--list'])
  const applets = stdout.split('\n').filter(name => name && name !== 'busybox')
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [
      [
        ...['bin', 'etc', 'tmp', 'www'].map(path => ({ path, folder: true })),
        { path: 'bin/busybox', mode: 0o755, data: busybox },
        ...applets.map(name => ({ path: `bin/${name}`, link: 'busybox' })),
        { path: 'etc/passwd', data: 'root:x:0:0:root:/:/bin/sh\n' },
        { path: 'start.sh', mode: 0o755, data: startScript },
      ],
    ],
    entrypoint: ['/start.sh'],
    ports: ['8080/tcp'],
  })
}

/** A registry on loopback that holds `demo.optiflow.dev/hello:1`; containerd pulls from it through a mirror entry. */
export async function openDemoRegistry(disk: Disk, commands: Commands, port: number): Promise<OciRegistry> {
  const registry = await openRegistry({ listenHttp, port }).catch(() => openRegistry({ listenHttp }))
  registry.push('hello', '1', await buildDemoImage(disk, commands))
  return registry
}
