import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'tests/calico')
const files: Record<string, string> = Object.fromEntries(
  readdirSync(folder)
    .map(name => /^(\w[\w-]*)\.(test|calico)\.ts$/.exec(name))
    .flatMap(found => (found ? [[found[1]!, readFileSync(join(folder, found[0]), 'utf8')]] : [])),
)
const rows = readFileSync(join(root, 'docs/calico-checklist.md'), 'utf8')
  .split('\n')
  .filter(line => /^\| (?!it needs)[^-]/.test(line))
  .map(line => line.split(' | ') as [string, string])

// A test that is renamed takes its line of the list with it.
test.each(rows)('what Calico needs is tested where the list says: %s', (_, proof) => {
  const named = [...proof.matchAll(/`?(replay|shape|cli|acceptance|plain)`?(?:: |\W)((?:\*[^*]+\*(?:, )?)*)/g)]
  const paths = [...proof.matchAll(/`((?:src|tests)\/[^`]+)`/g)].map(([, path]) => path!)
  expect(named.length + paths.length, 'no test is named').toBeGreaterThan(0)
  for (const [, file, titles] of named)
    for (const [, title] of titles!.matchAll(/\*([^*]+)\*/g))
      expect(unquoted(files[file!]!), file).toContain(unquoted(title!.split('…')[0]!))
  for (const path of paths) expect(() => readFileSync(join(root, path)), path).not.toThrow()
})

/** Titles are written with either quote. */
const unquoted = (text: string): string => text.replaceAll("\\'", "'")
