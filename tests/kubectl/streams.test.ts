import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { pod } from '../support/manifests.ts'
import { freePort, type Started, start, until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl’s streams and proxies (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
    await cluster.kubectlWith(pod('talker', { log: 'hello there', 'log-every': '200ms' }), 'create', '-f', '-')
    await cluster.kubectl('wait', 'pod/talker', '--for=condition=Ready', '--timeout=25s')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  async function saying(started: Started, pattern: RegExp): Promise<RegExpExecArray> {
    await until(`it says ${pattern}`, async () => pattern.test(started.out() + started.err()))
    return pattern.exec(started.out() + started.err())!
  }

  it.each([
    ['over WebSocket', {}],
    ['over SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }],
  ])('attach and exec show what the container writes, %s', async (_, env) => {
    const attached = start('kubectl', ['attach', 'talker'], { env: { ...cluster.env, ...env } })
    await saying(attached, /line \d+/)
    await attached.stop()
    const { out } = await cluster.kubectlOk(['exec', 'talker', '--', 'sh', '-c', 'echo here'], { env })
    expect(out).toBe('here\n')
  })

  it('a command may be longer than what Node reads of a head by itself', async () => {
    const long = 'a'.repeat(100_000)
    for (const env of [{}, { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }])
      expect((await cluster.kubectlOk(['exec', 'talker', '--', 'echo', long], { env })).out).toBe(`${long}\n`)
  })

  it('exec passes standard input on until its end', async () => {
    const { out } = await cluster.kubectlOk(['exec', '-i', 'talker', '--', 'cat'], { stdin: 'one\ntwo\n' })
    expect(out).toBe('one\ntwo\n')
  })

  it.each([
    ['tunnelled in a WebSocket', {}],
    ['over SPDY', { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
  ])('port-forward carries bytes, %s', async (_, env) => {
    const port = await freePort()
    const forward = start('kubectl', ['port-forward', 'pod/talker', `${port}:80`], { env: { ...cluster.env, ...env } })
    await saying(forward, /Forwarding from 127\.0\.0\.1:\d+ -> 80/)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.0\r\n\r\n')
    const [chunk] = await once(socket, 'data')
    expect(String(chunk).length).toBeGreaterThan(0)
    socket.destroy()
    await forward.stop()
  })

  it('proxy passes requests and watches on', async () => {
    const proxy = cluster.kubectlStart('proxy', '--port=0')
    const [, port] = await saying(proxy, /Starting to serve on 127\.0\.0\.1:(\d+)/)
    const base = `http://127.0.0.1:${port}`
    const pods = (await (await fetch(`${base}/api/v1/namespaces/default/pods`)).json()) as any
    expect(pods.items.map((p: any) => p.metadata.name)).toEqual(['talker'])
    const watch = await fetch(`${base}/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1`)
    expect((await watch.text()).split('\n')[0]).toContain('"type":"ADDED"')
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
    await proxy.stop()
  })

  it('cp hands an archive over to tar in the container', async () => {
    const file = await cluster.file('note.txt', 'a note\n')
    await cluster.kubectl('cp', file, 'talker:/tmp/note.txt')
  })
})
