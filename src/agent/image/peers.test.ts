import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import type { Node } from '../../models/kinds/core/node.ts'
import { choosePeers } from './peers.ts'

const node = (name: string, { images = [] as string[], ready = 'True', port = 10250 } = {}): Node =>
  ({
    metadata: { name },
    spec: {},
    status: {
      addresses: [{ type: 'InternalIP', address: name === 'six' ? 'fd00::6' : `10.0.0.${name.length}` }],
      conditions: [{ type: 'Ready', status: ready }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      images: images.map(image => ({ names: [image] })),
    },
  }) as Node

const web = 'docker.io/library/web:1'

test('nodes that have the image are asked first, then three others, never oneself nor one that is not ready', () => {
  const nodes = [
    node('me', { images: [web] }),
    node('has', { images: [web] }),
    node('six', { images: ['other', web] }),
    node('dead', { images: [web], ready: 'Unknown' }),
    node('portless', { images: [web], port: 0 }),
    ...['a', 'b', 'c', 'd', 'e'].map(name => node(name)),
  ]
  for (let seed = 0; seed < 20; seed++) {
    const peers = choosePeers(nodes, 'me', web, seededRandom(seed))
    const names = peers.map(({ name }) => name)
    expect(names.slice(0, 2).sort()).toEqual(['has', 'six'])
    expect(names).toHaveLength(5)
    expect(names.slice(2).every(name => 'abcde'.includes(name))).toBe(true)
    expect(peers.find(({ name }) => name === 'six')!.url).toBe('https://[fd00::6]:10250')
  }
})
