import type { Commands } from '../../src/base/commands.ts'
import type { Disk } from '../../src/base/disk.ts'
import { buildImage, type ImageRecipe, type OciImage } from '../../src/runtime/oci-image.ts'
import { pauseImage } from '../../src/runtime/pause-image.ts'
import type { TarEntry } from '../../src/runtime/tar.ts'
import { programFiles } from '../support/program-files.ts'
import { busyboxFiles } from '../support/web-image.ts'
import type { Programs } from './programs.ts'

/*
 * Stand-ins for the suite's images, made of its own programs and of Debian's: nothing is pulled. Their shell is bash, since Debian's busybox
 * loses variables whose names are no names for a shell.
 */

const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
/** Debian's busybox has no nmeter, by which the suite of nodes tells thousandths of seconds: `nmeter -d0 '%3t'`. */
const nmeter = `#!/bin/bash
TZ=UTC0
printf '%(%H:%M:%S)T.%s\\n' "\${EPOCHREALTIME%.*}" "\${EPOCHREALTIME:0-6:3}"
`
const web = (root: string): string =>
  `#!/bin/sh\nmkdir -p /var/run; echo $$ > /var/run/nginx.pid\nexec busybox httpd -f -p 80 -h ${root}\n`
const accounts = (...more: string[]): string => ['root:x:0:0:root:/:/bin/sh', ...more, ''].join('\n')

/** @returns images by `repository:tag` below registry.k8s.io */
export async function suiteImages(disk: Disk, commands: Commands, programs: Programs): Promise<Map<string, OciImage>> {
  const shell: TarEntry[] = [
    ...(await busyboxFiles(disk, commands)).filter(
      file => !['bin/sh', 'bin/nc', 'etc/passwd', 'tmp'].includes(file.path),
    ),
    { path: 'tmp', folder: true, mode: 0o1777 },
    { path: 'bin/nmeter', mode: 0o755, data: nmeter },
    ...['usr/local', 'usr/share', 'var', 'etc'].map(path => ({ path, folder: true as const })),
    { path: 'etc/passwd', data: accounts('user-defined-in-image:x:1000:1000::/:/bin/sh') },
    {
      path: 'etc/group',
      data: 'root:x:0:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
    },
    { path: 'bin/sh', link: 'bash' },
  ]
  const program = (path: string) => programFiles(disk, commands, path)
  const own = async (name: string, path: string, mode = 0o755) => ({
    path,
    mode,
    data: await disk.read(programs.path(name)),
  })
  const bash = (await program('/bin/bash')).map(file =>
    file.path === 'usr/bin/bash' ? { ...file, path: 'bin/bash' } : file,
  )
  const net = (
    await Promise.all(['/usr/bin/dig', '/usr/bin/curl', '/usr/bin/getent', '/bin/nc.openbsd'].map(program))
  ).flat()
  const base = [shell, bash]
  const agnhost = [
    ...base,
    [...net, { path: 'bin/nc', link: 'nc.openbsd' }],
    [
      await own('agnhost', 'agnhost'),
      { path: 'agnhost-2', link: 'agnhost' },
      { path: 'uploads', folder: true as const },
      ...(await Promise.all(
        ['localhost.crt', 'localhost.key'].map(async name => ({
          path: name,
          data: await disk.read(programs.source(`test/images/agnhost/porter/${name}`)),
        })),
      )),
    ],
  ]
  const image = (recipe: Omit<ImageRecipe, 'architecture'>): OciImage => buildImage({ architecture, ...recipe })
  const page = (root: string, more: TarEntry[] = []): OciImage =>
    image({
      layers: [
        ...base,
        [
          { path: root.slice(1), folder: true },
          { path: `${root.slice(1)}/index.html`, data: '<html><body><h1>It works!</h1></body></html>\n' },
          { path: 'start.sh', mode: 0o755, data: web(root) },
          ...more,
        ],
      ],
      cmd: ['/start.sh'],
      ports: ['80/tcp'],
    })
  const picture = (name: string): OciImage =>
    image({
      layers: [...agnhost, [{ path: 'data.json', data: JSON.stringify({ image: name }) }]],
      entrypoint: ['/agnhost'],
      cmd: ['test-webserver'],
    })
  const htdocs = page('/usr/local/apache2/htdocs')
  const html = page('/usr/share/nginx/html')
  return new Map(
    Object.entries({
      'pause:3.10': pauseImage(architecture),
      'etcd:3.5.16-0': image({
        layers: [...base, [...(await program('/usr/bin/etcd')), { path: 'usr/local/bin/etcd', link: '/usr/bin/etcd' }]],
      }),
      'e2e-test-images/agnhost:2.53': image({ layers: agnhost, entrypoint: ['/agnhost'], cmd: ['pause'] }),
      'e2e-test-images/jessie-dnsutils:1.7': image({ layers: agnhost, cmd: ['/bin/sh'] }),
      'e2e-test-images/busybox:1.36.1-1': image({ layers: base, cmd: ['sh'] }),
      'e2e-test-images/ipc-utils:1.3': image({ layers: [...base, await program('/usr/bin/ipcs')], cmd: ['sh'] }),
      'e2e-test-images/httpd:2.4.38-4': htdocs,
      'e2e-test-images/httpd:2.4.39-4': htdocs,
      'e2e-test-images/nginx:1.14-4': html,
      'e2e-test-images/nginx:1.15-4': html,
      'e2e-test-images/nautilus:1.7': picture('nautilus.jpg'),
      'e2e-test-images/kitten:1.7': picture('kitten.jpg'),
      'e2e-test-images/nonroot:1.4': image({ layers: agnhost, entrypoint: ['/agnhost'], cmd: ['pause'], user: '1234' }),
      'e2e-test-images/nonewprivs:1.3': image({
        layers: [
          ...base,
          [{ path: 'usr/local/bin', folder: true }, await own('nonewprivs', 'usr/local/bin/nnp', 0o6755)],
        ],
        cmd: ['nnp'],
      }),
      'e2e-test-images/sample-apiserver:1.29.2': image({
        layers: [...base, [await own('sample-apiserver', 'sample-apiserver')]],
        entrypoint: ['/sample-apiserver'],
      }),
    }),
  )
}
