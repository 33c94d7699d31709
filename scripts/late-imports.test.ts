import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
/** Packages that the bundle leaves outside; see build.ts. */
const outside = /external: \[(.*)\]/.exec(readFileSync(`${root}/scripts/build.ts`, 'utf8'))![1]!

const isModule = (name: string): boolean =>
  JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8')).type === 'module'

test('a CommonJS package that is loaded late is taken by its default export, all that it has in the bundle', () => {
  const wrong: string[] = []
  for (const file of readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    for (const [text, name] of readFileSync(`${root}/src/${file}`, 'utf8').matchAll(
      /await import\('([^.'][^']*)'\)(\)\.default)?/g,
    )) {
      if (name!.startsWith('node:') || outside.includes(`'${name}'`) || isModule(name!)) continue
      if (!text.endsWith('.default')) wrong.push(`${file}: ${name}`)
    }
  }
  expect(wrong).toEqual([])
})
