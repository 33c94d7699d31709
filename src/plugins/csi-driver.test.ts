import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { CsiDriver } from './csi-driver.ts'
import { servePlugin } from './plugin-server.ts'
import { csiProtocol } from './protocols.ts'

it('a driver tells over its socket how much room it has and how its volumes are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'optiflow-csi-'))
  const socket = join(folder, 'csi.sock')
  const asked: object[] = []
  const answer = (reply: object) => (request: object) => {
    asked.push(request)
    return reply
  }
  const volume_condition = { abnormal: true, message: 'bad blocks' }
  const entries = [
    { volume: { volume_id: 'v1' }, status: { volume_condition } },
    { volume: { volume_id: 'v2' }, status: {} },
    { volume: { volume_id: 'v3' } },
  ]
  await using _ = await servePlugin(socket, [
    {
      protocol: csiProtocol,
      service: 'csi.v1.Controller',
      methods: {
        ControllerGetCapabilities: () => ({ capabilities: [{ rpc: { type: 'GET_CAPACITY' } }] }),
        GetCapacity: answer({ available_capacity: 5 * 2 ** 40, maximum_volume_size: { value: 2 ** 40 } }),
        ListVolumes: answer({ entries, next_token: 'more' }),
        ControllerGetVolume: answer({ volume: { volume_id: 'v1' }, status: { volume_condition } }),
      },
    },
  ])
  using driver = new CsiDriver(socket, systemClock)
  expect([await driver.controllerCan('GET_CAPACITY'), await driver.controllerCan('GET_VOLUME')]).toEqual([true, false])
  const accessible_topology = { segments: { zone: 'a' } }
  expect(await driver.capacity({ parameters: { kind: 'ssd' }, accessible_topology })).toMatchObject({
    available_capacity: 5 * 2 ** 40,
    maximum_volume_size: { value: 2 ** 40 },
  })
  const page = await driver.volumes({ starting_token: 'here' })
  expect(page.next_token).toBe('more')
  expect(page.entries.map(e => [e.volume?.volume_id, e.status?.volume_condition ?? null])).toEqual([
    ['v1', volume_condition],
    ['v2', null],
    ['v3', null],
  ])
  expect((await driver.volume({ volume_id: 'v1' })).status).toMatchObject({ volume_condition })
  expect(asked).toMatchObject([
    { parameters: { kind: 'ssd' }, accessible_topology },
    { starting_token: 'here' },
    { volume_id: 'v1' },
  ])
  await rm(folder, { recursive: true })
})
