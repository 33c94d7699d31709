import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiServer } from '../../src/apiserver/index.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import { silentLogger as log } from '../../src/base/logger.ts'
import { systemRandom as random } from '../../src/base/random.ts'
import { type Client, createClient, inProcessTransport } from '../../src/client/index.ts'
import { openSqliteStore } from '../../src/db/index.ts'
import { CSINode, Node } from '../../src/models/kinds/index.ts'
import { type Case, nodeOf } from './cases.ts'
import { addDevices } from './devices.ts'
import { many } from './many.ts'
import { csiNodeOf } from './volumes.ts'

/** An API server over a durable store in a folder of its own. */
export interface World extends AsyncDisposable {
  client: Client
}

/** Folders whose store holds nodes and nothing else, by what makes them differ. Cases that share theirs get copies. */
const prepared = new Map<string, Promise<string>>()

/** A world with the nodes of the case. */
export async function openWorld(one: Case): Promise<World> {
  const shape = [one.nodes, one.node?.toString(), one.volumes !== undefined, one.devices].join()
  let source = prepared.get(shape)
  if (!source) prepared.set(shape, (source = prepare(one)))
  const folder = await mkdtemp(join(tmpdir(), 'scheduling-'))
  await cp(await source, folder, { recursive: true })
  return open(folder, true)
}

/** Takes the prepared stores away. */
export async function forgetWorlds(): Promise<void> {
  for (const folder of prepared.values()) await rm(await folder, { recursive: true, force: true })
  prepared.clear()
}

async function prepare(one: Case): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'scheduling-nodes-'))
  await using world = await open(folder, false)
  const { client } = world
  await many(one.nodes, async i => {
    const { metadata, spec, status } = nodeOf(one, i)
    const { name, labels } = metadata
    const node = await client.create(Node, { metadata: { name, ...(labels ? { labels } : {}) }, spec })
    const capacity = status?.allocatable
    const ready = await client.updateStatus(Node, { ...node, status: { ...status, ...(capacity ? { capacity } : {}) } })
    await client.update(Node, { ...ready, spec: { ...ready.spec, taints: spec.taints ?? [] } })
    if (one.volumes) await client.create(CSINode, csiNodeOf(name))
    if (one.devices) await addDevices(client, name, one.devices)
  })
  return folder
}

async function open(folder: string, temporary: boolean): Promise<World> {
  const store = await openSqliteStore({ path: join(folder, 'store.db'), clock, log })
  const server = await createApiServer({ store, clock, random, log })
  const user = { username: 'admin', groups: ['system:masters'] }
  return {
    client: createClient(inProcessTransport(server.handler, user)),
    async [Symbol.asyncDispose]() {
      await server.close()
      await store[Symbol.asyncDispose]()
      if (temporary) await rm(folder, { recursive: true, force: true })
    },
  }
}
