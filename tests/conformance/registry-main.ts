/** The suite's images as a registry, a process of its own inside a network namespace: `registry-main.ts PORT FOLDER`. It ends with its standard input. */
import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { listenHttp } from '../../src/base/http-listener.ts'
import { openRegistry } from '../../src/runtime/oci-registry.ts'
import { suiteImages } from './images.ts'
import { buildPrograms } from './programs.ts'

const [port, folder] = process.argv.slice(2)
const registry = await openRegistry({ listenHttp, host: '0.0.0.0', port: Number(port) })
const programs = await buildPrograms(folder!, console.log)
for (const [name, image] of await suiteImages(systemDisk, systemCommands, programs)) {
  const [repository, tag] = name.split(':')
  registry.push(repository!, tag!, image)
}
console.log(`serving ${registry.address}`)
process.stdin.on('end', () => process.exit()).resume()
