import { mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { systemCommands } from '../base/commands.ts'
import { listenHttp } from '../base/http-listener.ts'
import { buildImage, digestOf, imageIndex, ociArchive } from './oci-image.ts'
import { openRegistry } from './oci-registry.ts'
import { pauseImage, pauseProgram } from './pause-image.ts'
import { tar } from './tar.ts'

test('tar itself unpacks what we pack: modes, links, long paths', async () => {
  const folder = await mkdtemp('/tmp/tar-')
  try {
    const long = `${'deep/'.repeat(25)}file-with-a-rather-long-name`
    await writeFile(
      `${folder}/x.tar`,
      tar([
        { path: 'bin', folder: true },
        { path: 'bin/run', data: '#!/bin/sh\n', mode: 0o4755 },
        { path: 'bin/link', link: 'run' },
        { path: long, data: Buffer.alloc(1000, 7) },
        { path: 'empty', data: '' },
      ]),
    )
    await systemCommands.run('tar', ['-xpf', 'x.tar', '--no-same-owner'], { cwd: folder })
    expect((await stat(`${folder}/bin/run`)).mode & 0o7777).toBe(0o4755)
    expect(await readlink(`${folder}/bin/link`)).toBe('run')
    expect((await readFile(`${folder}/${long}`)).equals(Buffer.alloc(1000, 7))).toBe(true)
    expect((await stat(`${folder}/empty`)).size).toBe(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the same recipe makes the same image, another file another digest', () => {
  const recipe = (data: string) => buildImage({ architecture: 'amd64', layers: [[{ path: 'a', data }]], cmd: ['x'] })
  expect(recipe('1').manifest.digest).toBe(recipe('1').manifest.digest)
  expect(recipe('1').manifest.digest).not.toBe(recipe('2').manifest.digest)
  const image = recipe('1')
  const config = JSON.parse(image.config.bytes.toString())
  expect(config.rootfs.diff_ids).toEqual([digestOf(image.layers[0]!.bytes)])
  expect(ociArchive(image, 'a:1').includes(image.manifest.digest)).toBe(true)
})

test('the pause program is a small valid ELF for both architectures', () => {
  const programs = { amd64: pauseProgram('amd64'), arm64: pauseProgram('arm64') }
  expect(programs.amd64.length).toBe(186)
  for (const [machine, program] of [
    [62, programs.amd64],
    [183, programs.arm64],
  ] as const) {
    expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    expect(program.readUInt16LE(18)).toBe(machine)
    // The segment spans the file, and execution begins after the headers.
    expect(Number(program.readBigUInt64LE(96))).toBe(program.length)
    expect(Number(program.readBigUInt64LE(24)) - 0x400000).toBe(120)
  }
  // adr x1 must point at the struct that follows the code.
  const code = programs.arm64.subarray(120, -32)
  const adr = code.readUInt32LE(8)
  expect(8 + (((adr >> 5) & 0x7ffff) << 2) + ((adr >> 29) & 3)).toBe(code.length)
  // The last word jumps back to the first of the loop, `mov x0, 0` after the system call.
  const back = (code.readUInt32LE(code.length - 4) << 6) >> 6
  expect(code.length - 4 + back * 4).toBe(24)
})

test('the registry serves manifests and blobs by tag and digest, and keeps its secrets', async () => {
  await using registry = await openRegistry({ listenHttp, secrets: { private: { username: 'a', password: 'b' } } })
  const image = pauseImage('amd64')
  const name = registry.push('app/pause', '1', image)
  registry.push('private', '1', image)
  registry.push('both', '1', imageIndex([{ architecture: 'amd64', image }]))
  expect(name).toBe(`${registry.address}/app/pause:1`)
  const get = async (path: string, headers = {}) => {
    const reply = await fetch(`http://${registry.address}/v2/${path}`, { headers })
    return { status: reply.status, digest: reply.headers.get('docker-content-digest'), text: await reply.text() }
  }
  expect(await get('app/pause/manifests/1')).toEqual({
    status: 200,
    digest: image.manifest.digest,
    text: image.manifest.bytes.toString(),
  })
  expect((await get(`app/pause/blobs/${image.config.digest}`)).text).toBe(image.config.bytes.toString())
  expect((await get(`both/manifests/${image.manifest.digest}`)).status).toBe(200)
  expect((await get('app/pause/manifests/2')).text).toContain('MANIFEST_UNKNOWN')
  expect((await get('nothing/manifests/1')).text).toContain('NAME_UNKNOWN')
  expect((await get('private/manifests/1')).status).toBe(401)
  expect((await get('private/manifests/1', { authorization: `Basic ${btoa('a:c')}` })).status).toBe(401)
  expect((await get('private/manifests/1', { authorization: `Basic ${btoa('a:b')}` })).status).toBe(200)
  expect(await get('app/pause/tags/list')).toMatchObject({ text: '{"name":"app/pause","tags":["1"]}' })
})
