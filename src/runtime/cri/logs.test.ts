import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { type Disk, systemDisk } from '../../base/disk.ts'
import type { LogOptions } from '../runtime.ts'
import { parseLogLine, planRotation, readLog, tailStart } from './logs.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logs-'))
  path = join(folder, '0.log')
})
afterEach(() => rm(folder, { recursive: true }))

const entry = (text: string, tag = 'F', stream = 'stdout', second = 0) =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z ${stream} ${tag} ${text}\n`

async function read(options: LogOptions = {}, ended = async () => true, disk: Disk = systemDisk): Promise<string> {
  let all = ''
  const source = { disk, clock: systemClock, ended }
  for await (const chunk of readLog(source, path, options, new AbortController().signal))
    all += Buffer.from(chunk).toString()
  return all
}

test('a log line is taken apart, and what is none is refused', () => {
  expect(parseLogLine(Buffer.from('2026-01-01T00:00:00.5Z stderr P a  b '))).toEqual({
    timestamp: '2026-01-01T00:00:00.5Z',
    stream: 'stderr',
    partial: true,
    text: Buffer.from('a  b '),
  })
  expect(parseLogLine(Buffer.from('2026-01-01T00:00:00.5Z stdout F '))!.text.toString()).toBe('')
  expect(parseLogLine(Buffer.from('{"log":"docker"}'))).toBeUndefined()
})

test('partial entries become one line with one time stamp', async () => {
  await writeFile(path, entry('one ', 'P') + entry('line', 'F') + entry('two', 'F', 'stderr'))
  expect(await read()).toBe('one line\ntwo\n')
  expect(await read({ timestamps: true })).toBe(
    '2026-01-01T00:00:00.000000000Z one line\n2026-01-01T00:00:00.000000000Z two\n',
  )
})

test('partial entries of both streams do not end each other', async () => {
  await writeFile(path, entry('a', 'P') + entry('x', 'P', 'stderr') + entry('b') + entry('y', 'F', 'stderr'))
  expect(await read({ timestamps: true })).toBe(
    '2026-01-01T00:00:00.000000000Z a2026-01-01T00:00:00.000000000Z xb\ny\n',
  )
})

test('since, tail and a limit of bytes choose what is read', async () => {
  await writeFile(path, [0, 1, 2, 3].map(n => entry(`line ${n}`, 'F', 'stdout', n)).join(''))
  expect(await read({ sinceMs: Date.UTC(2026, 0, 1, 0, 0, 2) })).toBe('line 2\nline 3\n')
  expect(await read({ tailLines: 1 })).toBe('line 3\n')
  expect(await read({ tailLines: 9 })).toBe('line 0\nline 1\nline 2\nline 3\n')
  expect(await read({ tailLines: 0 })).toBe('')
  expect(await read({ limitBytes: 9 })).toBe('line 0\nli')
})

test('the tail counts lines, not entries', async () => {
  await writeFile(path, entry('a') + entry('b1 ', 'P') + entry('b2') + entry('c1 ', 'P') + entry('c2'))
  expect(await read({ tailLines: 2 })).toBe('b1 b2\nc1 c2\n')
})

test('the tail of a large file is found at its end, wherever the chunks are cut', async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => entry(`${'x'.repeat(n % 97)} ${n}`))
  await writeFile(path, lines.join(''))
  let bytes = 0
  const counting: Disk = {
    ...systemDisk,
    async open(file, flags) {
      const opened = await systemDisk.open(file, flags)
      return { ...opened, read: async (buffer, at) => (bytes += buffer.length) && opened.read(buffer, at) }
    },
  }
  expect((await read({ tailLines: 3 }, undefined, counting)).match(/\d+$/gm)).toEqual(['19997', '19998', '19999'])
  expect(bytes).toBeLessThan(300_000)
  for (const count of [1000, 2345, 19_999]) {
    const file = await systemDisk.open(path)
    expect(await tailStart(file, count, await file.size())).toBe(Buffer.byteLength(lines.slice(0, -count).join('')))
    await file.close()
  }
})

test('a program that writes meanwhile adds nothing to what is asked for, unless it is followed', async () => {
  await writeFile(path, entry('one') + entry('two'))
  const growing: Disk = {
    ...systemDisk,
    async open(file, flags) {
      const opened = await systemDisk.open(file, flags)
      return {
        ...opened,
        async read(buffer, at) {
          await appendFile(path, entry('more'))
          return opened.read(buffer, at)
        },
      }
    },
  }
  expect(await read({ tailLines: 1 }, undefined, growing)).toBe('two\n')
  expect(await read({}, undefined, growing)).toMatch(/^one\ntwo\n(more\n)+$/)
})

test('a follower sees what is written after a rotation, and nothing twice', async () => {
  await writeFile(path, entry('one'))
  let done = false
  const following = read({ follow: true }, async () => done)
  await new Promise(resolve => setTimeout(resolve, 50))
  await appendFile(path, entry('two'))
  await rename(path, `${path}.1`)
  await appendFile(`${path}.1`, entry('three'))
  await writeFile(path, entry('four'))
  await new Promise(resolve => setTimeout(resolve, 400))
  await appendFile(path, entry('five'))
  done = true
  expect(await following).toBe('one\ntwo\nthree\nfour\nfive\n')
})

test('what is written between the last read and the rotation is not lost', async () => {
  await writeFile(path, entry('one'))
  let rotated = false
  const rotating: Disk = {
    ...systemDisk,
    async stat(asked) {
      if (!rotated) {
        rotated = true
        await appendFile(path, entry('late'))
        await rename(path, `${path}.1`)
        await writeFile(path, entry('new'))
      }
      return systemDisk.stat(asked)
    },
  }
  expect(await read({ follow: true }, async () => rotated, rotating)).toBe('one\nlate\nnew\n')
})

test('rotation keeps so many files in all and drops the oldest', () => {
  expect(planRotation(['0.log', '0.log.1', '0.log.2', '0.log.4', '1.log', '0.log.gz'], '0.log', 4)).toEqual({
    remove: ['0.log.4'],
    rename: [
      ['0.log.2', '0.log.3'],
      ['0.log.1', '0.log.2'],
      ['0.log', '0.log.1'],
    ],
  })
  expect(planRotation(['0.log', '0.log.1'], '0.log', 1)).toEqual({
    remove: ['0.log.1'],
    rename: [['0.log', '0.log.1']],
  })
})
