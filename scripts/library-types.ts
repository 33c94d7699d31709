/** After `tsc` under `npm run build:types`: of the declarations that it wrote, dist/types keeps those that the library's entry leads to. */

import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../dist/types')
const relative = /((?:from|import) ?\(?["'])(\.{1,2}\/[^"']+)\.ts(["'])/g
/** Arrays of numbers have no parameter for them either. */
const sized = /\b((?:Int|Uint|Float)\d+Array|Buffer)<ArrayBuffer(?:Like)?>/g

/** Each file that is reached, with its text. Compilers older than 5.7 want specifiers of what is run, not of sources. */
async function reachedFrom(entry: string): Promise<Map<string, string>> {
  const reached = new Map<string, string>()
  const waiting = [entry]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue
    const text = await readFile(file, 'utf8')
    for (const [, , path] of text.matchAll(relative)) waiting.push(join(dirname(file), `${path}.d.ts`))
    reached.set(file, text.replace(relative, '$1$2.js$3').replace(sized, '$1'))
  }
  return reached
}

const reached = await reachedFrom(join(folder, 'main/index.d.ts'))
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name)
  if (entry.isFile() && !reached.has(file)) await rm(file)
}
for (const [file, text] of reached) await writeFile(file, text)
// The library is a CommonJS script: with ES modules as its types, `require` and older compilers would refuse it.
await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
