import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

test('the page for people shows the Workload first, needs nothing from outside, and is open to everybody', async () => {
  await using server = await startTestServer()
  const reply = await server.api.handler({
    method: 'GET',
    url: '/docs',
    headers: {},
    signal: new AbortController().signal,
  })
  const html = Buffer.from(reply.body as Uint8Array).toString()
  expect(reply.status).toBe(200)
  expect(reply.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(html.indexOf('<b>Workload</b> <span>')).toBeLessThan(html.indexOf('<b>Pod</b> <span>'))
  expect(html).toContain('POST /apis/optiflow.dev/v1/namespaces/default/workloads')
  expect(html.match(/(?:src|href)="[^"]*"/g)?.filter(link => !link.startsWith('href="/'))).toEqual([])
})

test('the requests on the page are ones that this server takes', async () => {
  await using server = await startTestServer()
  const html = (await server.call('GET', '/docs')).body as string
  const steps = [...html.matchAll(/<li><button class="step" data-request="([^"]*)"/g)].map(m =>
    JSON.parse(m[1]!.replaceAll('&quot;', '"')),
  )
  const answers = []
  for (const { method, path, body, type } of steps)
    answers.push(
      (await server.call(method, path, body ? Buffer.from(body) : undefined, { 'content-type': type })).status,
    )
  expect(answers).toEqual([201, 200, 200, 200, 200, 200, 200, 200, 200, 200])
})
