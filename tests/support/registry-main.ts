/**
 * A registry as a process of its own, so that it can run inside a network namespace: `registry-main.ts PORT`.
 * It serves web:1 and web:2 (a page that says its version and its pod's name on port 8080), swift:1 and swift:2 where there is HAProxy (as web,
 * for heavy load) and the stubs of tests/calico, and ends with its standard input.
 */
import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { listenHttp } from '../../src/base/http-listener.ts'
import { openRegistry } from '../../src/runtime/oci-registry.ts'
import { stubControllersImage, stubNodeImage } from '../calico/stub-image.ts'
import { onPath } from './processes.ts'
import { swiftImage } from './swift-image.ts'
import { webImage } from './web-image.ts'

const registry = await openRegistry({ listenHttp, host: '0.0.0.0', port: Number(process.argv[2]) })
const swift = onPath('haproxy')
for (const version of ['1', '2']) {
  registry.push('web', version, await webImage(systemDisk, systemCommands, version))
  if (swift) registry.push('swift', version, await swiftImage(systemDisk, systemCommands, version))
}
registry.push('calico-node', '1', await stubNodeImage(systemDisk, systemCommands))
registry.push('calico-controllers', '1', await stubControllersImage(systemDisk, systemCommands))
console.log(`serving ${registry.address}`)
process.stdin.on('end', () => process.exit()).resume()
