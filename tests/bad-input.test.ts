import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { configMap, deployment, pod } from './support/manifests.ts'

// Over real TLS and HTTP; what needs no socket is in src/apiserver/hostile.slow.test.ts.
describe('bad input over HTTPS', () => {
  let cluster: Cluster
  let pid: number | undefined
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
    pid = cluster.process.child.pid
  })
  afterEach(async () => {
    expect(await cluster.ready()).toBe(true)
    expect(cluster.process.child.exitCode).toBeNull()
    expect(cluster.process.child.pid).toBe(pid)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const maps = '/api/v1/namespaces/default/configmaps'
  const pods = '/api/v1/namespaces/default/pods'
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const of = (type: string) => ({ 'content-type': type })
  const failure = (code: number, reason: string, message: string | RegExp) => ({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })

  it('an unknown field is a warning; strict, it is refused; ignored, it is neither', async () => {
    const typo = (name: string) => ({ ...configMap(name, {}), dota: 1 })
    const warned = await cluster.call('POST', maps, { body: typo('warned') })
    expect([warned.status, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"dota\\""'])
    const strict = await cluster.call('POST', `${maps}?fieldValidation=Strict`, { body: typo('strict') })
    expect(strict.json).toMatchObject(failure(400, 'BadRequest', 'strict decoding error: unknown field "dota"'))
    const ignored = await cluster.call('POST', `${maps}?fieldValidation=Ignore`, { body: typo('ignored') })
    expect([ignored.status, ignored.headers['warning']]).toEqual([201, undefined])
    const twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{},"data":{}}'
    const duplicate = await cluster.call('POST', `${maps}?fieldValidation=Strict`, { raw: twice })
    expect(duplicate.json).toMatchObject(failure(400, 'BadRequest', 'duplicate field "data"'))
  })

  it.each<[string, object, RegExp]>([
    ['a text for a number', { ...deployment('t'), spec: { ...deployment('t').spec, replicas: 'three' } }, /replicas/],
    ['a list for a map', { ...configMap('t', {}), data: ['a'] }, /data/],
    ['a map for a list', { ...pod('t'), spec: { containers: { a: 1 } } }, /containers/],
    ['a number for a text', { ...pod('t'), spec: { containers: [{ name: 7, image: 'x' }] } }, /name/],
    ['a map for a text in a map', { ...configMap('t', {}), data: { a: {} } }, /data/],
    [
      'a fraction for a whole number',
      { ...deployment('t'), spec: { ...deployment('t').spec, replicas: 1.5 } },
      /replicas/,
    ],
  ])('%s', async (_title, body: any, field) => {
    const path = body.kind === 'Deployment' ? deployments : body.kind === 'Pod' ? pods : maps
    expect((await cluster.call('POST', path, { body })).json).toMatchObject(failure(400, 'BadRequest', field))
  })

  it('wrong names, quantities, ports and enumerations each name their field', async () => {
    const bad = {
      ...pod('Bad_Name'),
      metadata: { name: 'Bad_Name', labels: { 'a b': 'c d' } },
      spec: {
        restartPolicy: 'Sometimes',
        containers: [
          {
            name: 'UPPER',
            image: '',
            ports: [{ containerPort: 70_000 }],
            resources: { requests: { cpu: '2' }, limits: { cpu: '1' } },
            env: [{ name: '' }],
          },
        ],
      },
    }
    const { json } = await cluster.call('POST', pods, { body: bad })
    expect(json).toMatchObject(failure(422, 'Invalid', /^Pod "Bad_Name" is invalid: \[/))
    const fields = json.details.causes.map((c: { field: string; reason: string }) => `${c.field} ${c.reason}`)
    expect(fields).toEqual(
      expect.arrayContaining([
        'metadata.name FieldValueInvalid',
        'metadata.labels FieldValueInvalid',
        'spec.restartPolicy FieldValueNotSupported',
        'spec.containers[0].name FieldValueInvalid',
        'spec.containers[0].image FieldValueRequired',
        'spec.containers[0].ports[0].containerPort FieldValueInvalid',
        'spec.containers[0].resources.requests FieldValueInvalid',
        'spec.containers[0].env[0].name FieldValueRequired',
      ]),
    )
    for (const cpu of ['lots', '1x', '-1', '', '1e', '9'.repeat(10_000)]) {
      const one = { ...pod('q'), spec: { containers: [{ name: 'a', image: 'b', resources: { limits: { cpu } } }] } }
      expect([400, 422]).toContain((await cluster.call('POST', pods, { body: one })).status)
    }
  })

  it('a body of more than 3 MiB is refused, one of just less is read', async () => {
    const big = (bytes: number) => JSON.stringify({ ...configMap('big', {}), data: { a: 'x'.repeat(bytes) } })
    const over = await cluster.call('POST', maps, { raw: big(3.1 * 2 ** 20) })
    expect(over.json).toMatchObject(failure(413, 'RequestEntityTooLarge', 'limit is 3145728'))
    const under = await cluster.call('POST', maps, { raw: big(2.9 * 2 ** 20) })
    expect(under.json).toMatchObject(failure(422, 'Invalid', 'data: Too long: may not be more than 1048576 bytes'))
    const endless = await cluster.call('POST', maps, { raw: 'x'.repeat(20 * 2 ** 20) }).catch(() => undefined)
    expect(endless === undefined || endless.status === 413).toBe(true)
  })

  it.each<[string, string, string | Uint8Array, number]>([
    ['broken JSON', 'application/json', '{"a": [1, 2', 400],
    ['no JSON at all', 'application/json', '\0\x01\x02', 400],
    ['broken YAML', 'application/yaml', 'a: [1\n b: }', 400],
    [
      'YAML with a bomb of aliases',
      'application/yaml',
      `a: &a [x,x]\n${'bcdefghijklmnop'
        .split('')
        .map((c, i, all) => `${c}: &${c} [*${i ? all[i - 1] : 'a'},*${i ? all[i - 1] : 'a'}]`)
        .join('\n')}`,
      400,
    ],
    ['protobuf without its head', 'application/vnd.kubernetes.protobuf', Uint8Array.of(1, 2, 3), 400],
    [
      'protobuf that ends early',
      'application/vnd.kubernetes.protobuf',
      Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x0a, 0x7f, 0x0a),
      400,
    ],
    ['deep nesting', 'application/json', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 400],
    ['deep nesting of lists in YAML', 'application/yaml', '['.repeat(50_000), 400],
    ['a form that we do not read', 'application/xml', '<a/>', 415],
    ['a form for patches only', 'application/merge-patch+json', '{}', 415],
    ['packed bytes that are not what they say', 'application/json', gzipSync('{}'), 400],
    ['nothing', 'application/json', '', 400],
  ])('%s', async (_title, type, raw, code) => {
    const answer = await cluster.call('POST', maps, { raw, headers: of(type) })
    expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', code })
    expect(answer.json.message.length).toBeLessThan(2000)
  })

  it('__proto__, constructor and their like are data or refused, and change nothing else', async () => {
    const raw =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","__proto__":{"x":1}},"__proto__":{"polluted":1},"data":{"__proto__":"p","constructor":"c"}}'
    const made = await cluster.call('POST', maps, { raw })
    expect([201, 400, 422]).toContain(made.status)
    const patch = await cluster.call('PATCH', `${maps}/proto`, {
      raw: '{"__proto__":{"polluted":1}}',
      headers: of('application/merge-patch+json'),
    })
    expect(patch.status).toBeLessThan(500)
    const json = await cluster.call('PATCH', `${maps}/proto`, {
      raw: '[{"op":"add","path":"/__proto__/polluted","value":1},{"op":"add","path":"/constructor/prototype/polluted","value":1}]',
      headers: of('application/json-patch+json'),
    })
    expect(json.status).toBeGreaterThanOrEqual(400)
    expect(json.status).toBeLessThan(500)
    for (const path of [
      '/apis/__proto__/v1',
      '/api/v1/__proto__',
      '/api/v1/namespaces/__proto__/pods/constructor',
      '/__proto__',
    ])
      expect((await cluster.call('GET', path)).status, path).toBe(404)
    expect((await cluster.call('GET', `${maps}/fresh`)).json.polluted).toBeUndefined()
  })

  it.each(['/nothing', '/apis/nothing.example/v1/things'])(
    '%s, where nothing is served, is told in a line of text',
    async path => {
      const { status, text } = await cluster.call('GET', path)
      expect([status, text]).toEqual([404, '404 page not found\n'])
    },
  )

  it.each<[string, string, string, number, string | undefined]>([
    ['an unknown version', 'GET', '/apis/apps/v9/deployments', 404, 'NotFound'],
    ['an unknown kind', 'GET', '/api/v1/namespaces/default/spaceships', 404, 'NotFound'],
    ['an unknown subresource', 'GET', '/api/v1/namespaces/default/pods/a/colour', 404, 'NotFound'],
    ['a bad escape', 'GET', '/api/v1/namespaces/%zz/pods', 400, 'BadRequest'],
    ['POST to an object', 'POST', '/api/v1/namespaces/default/pods/a', 405, 'MethodNotAllowed'],
    ['PUT to a list', 'PUT', '/api/v1/namespaces/default/pods', 405, 'MethodNotAllowed'],
    ['a method of nobody', 'SUMMON', '/api/v1/namespaces/default/pods', 400, 'BadRequest'],
    ['a bad label selector', 'GET', '/api/v1/pods?labelSelector=a%20in%20(', 400, 'BadRequest'],
    ['a bad field selector', 'GET', '/api/v1/pods?fieldSelector=spec.colour%3Dred', 400, 'BadRequest'],
    ['a bad continue token', 'GET', '/api/v1/pods?limit=1&continue=!!!', 400, 'BadRequest'],
    [
      'a forged continue token',
      'GET',
      `/api/v1/pods?limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../../secrets"}').toString('base64url')}`,
      400,
      'BadRequest',
    ],
    ['a bad limit', 'GET', '/api/v1/pods?limit=many', 400, 'BadRequest'],
    // Kubernetes' own answers, though nothing is wrong with the server.
    ['a bad resource version', 'GET', '/api/v1/pods?resourceVersion=new', 500, undefined],
    [
      'a resource version from the future',
      'GET',
      '/api/v1/pods?resourceVersion=999999999999&resourceVersionMatch=Exact&timeoutSeconds=1',
      500,
      undefined,
    ],
    ['a bad dry run', 'DELETE', '/api/v1/namespaces/default/pods/a?dryRun=Some', 400, 'BadRequest'],
    ['a bad propagation', 'DELETE', '/api/v1/namespaces/default/pods/a?propagationPolicy=Some', 400, 'BadRequest'],
  ])('%s', async (_title, method, path, code, reason) => {
    const answer = await cluster.call(method, path)
    if (code === 422 || reason === 'BadRequest') expect([400, 422]).toContain(answer.status)
    else expect([answer.json.code, answer.json.reason]).toEqual([code, reason])
    expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure' })
  })

  it('of many updates of one version exactly one wins, and retrying loses none', async () => {
    await cluster.call('POST', maps, { body: configMap('counter', { n: '0' }) })
    const { json: base } = await cluster.call('GET', `${maps}/counter`)
    const race = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        cluster.call('PUT', `${maps}/counter`, { body: { ...base, data: { n: `r${i}` } } }),
      ),
    )
    expect(race.filter(a => a.status === 200)).toHaveLength(1)
    const lost = race.filter(a => a.status !== 200)
    for (const answer of lost)
      expect(answer.json).toMatchObject(failure(409, 'Conflict', 'the object has been modified'))
    const add = async () => {
      for (;;) {
        const { json } = await cluster.call('GET', `${maps}/counter`)
        const n = Number(json.data.n.replace(/\D.*/, '') || 0) + 1
        const put = await cluster.call('PUT', `${maps}/counter`, { body: { ...json, data: { n: `${n}` } } })
        if (put.status === 200) return
        expect(put.status).toBe(409)
      }
    }
    await Promise.all(Array.from({ length: 10 }, add))
    expect((await cluster.call('GET', `${maps}/counter`)).json.data.n).toBe('10')
  })

  it('no credentials and wrong ones', async () => {
    const nobody = await cluster.call('GET', pods, { anonymous: true })
    expect(nobody.json).toMatchObject(failure(403, 'Forbidden', 'User "system:anonymous" cannot list resource "pods"'))
    for (const authorization of [
      'Bearer nonsense',
      'Bearer ',
      'Basic eDp5',
      `Bearer ${'a.'.repeat(5000)}`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
    ]) {
      const wrong = await cluster.call('GET', pods, { anonymous: true, headers: { authorization } })
      expect([401, 403, 431]).toContain(wrong.status)
    }
  })

  it('thousands of random requests: an answer each, none an internal error', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...[
          'api',
          'apis',
          'v1',
          'apps',
          'batch',
          'namespaces',
          'default',
          'pods',
          'configmaps',
          'deployments',
          'status',
        ],
        ...[
          'scale',
          'log',
          'exec',
          'binding',
          'eviction',
          'proxy',
          'token',
          '..',
          '.',
          '%2e%2e',
          '%00',
          '*',
          'watch',
          'nodes',
          'optiflow.dev',
          'workloads',
        ],
      ),
      fc.string({ maxLength: 12 }).map(encodeURIComponent),
    )
    const known = fc.constantFrom(
      ...[maps, pods, deployments, `${pods}/a/log`, `${pods}/a/eviction`, `${deployments}/a/scale`, '/api/v1/nodes'],
      ...[
        '/apis/optiflow.dev/v1/namespaces/default/workloads',
        '/apis/batch/v1/namespaces/default/jobs',
        '/api/v1/namespaces',
        '/api/v1/services',
      ],
      ...['/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', '/openapi/v3', '/version', '/metrics', `${maps}/a`],
    )
    const path = fc.oneof(
      known,
      fc.array(word, { maxLength: 8 }).map(words => `/${words.join('/')}`),
    )
    const parameter = fc.constantFrom(
      ...[
        'labelSelector',
        'fieldSelector',
        'limit',
        'continue',
        'resourceVersion',
        'resourceVersionMatch',
        'fieldManager',
      ],
      ...[
        'fieldValidation',
        'dryRun',
        'pretty',
        'force',
        'gracePeriodSeconds',
        'propagationPolicy',
        'timeoutSeconds',
        'timeout',
        'sendInitialEvents',
      ],
    )
    const value = fc.oneof(
      fc.constantFrom('0', '1', '-1', 'true', 'All', 'a=b', 'a in (b', 'Exact', '9'.repeat(40)),
      fc.string(),
    )
    const query = fc
      .array(fc.tuple(parameter, value), { maxLength: 3 })
      .map(pairs => (pairs.length ? `?${pairs.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&')}` : ''))
    const spoiled = fc
      .tuple(
        fc.constantFrom<object>(configMap('a', {}), pod('a'), deployment('a', 0)),
        fc.nat(2000),
        fc.string({ maxLength: 5 }),
      )
      .map(([object, at, what]) => {
        const text = JSON.stringify(object)
        const place = at % text.length
        return text.slice(0, place) + what + text.slice(place + what.length)
      })
    const body = fc.option(
      fc.oneof(
        spoiled,
        fc.json(),
        fc.string(),
        fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
      ),
    )
    const type = fc.constantFrom(
      ...[
        'application/json',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
        'application/merge-patch+json',
      ],
      ...[
        'application/json-patch+json',
        'application/strategic-merge-patch+json',
        'application/apply-patch+yaml',
        'text/plain',
        ';;',
        '',
      ],
    )
    const accept = fc.constantFrom(
      ...['application/json', '*/*', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'image/png', ';q=x'],
      'application/json;as=Table;v=v1;g=meta.k8s.io',
    )
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE')
    const one = fc.record({ method, path, query, body, type, accept })
    const random = fc.sample(one, { numRuns: 4000, seed: 20_260_101 })
    const codes = new Map<number, number>()
    const problems: string[] = []
    let next = 0
    const worker = async () => {
      for (let i = next++; i < random.length; i = next++) {
        const r = random[i]!
        const withBody = r.body !== null && r.method !== 'GET' && r.method !== 'HEAD' && r.method !== 'TRACE'
        const { status, text } = await cluster.call(r.method, r.path + r.query, {
          headers: { accept: r.accept, ...(r.type ? { 'content-type': r.type } : {}) },
          ...(withBody ? { raw: r.body! } : {}),
        })
        codes.set(status, (codes.get(status) ?? 0) + 1)
        // What kube-apiserver 1.32 says of a revision that is none, too.
        const noRevision = text.includes('resourceVersion: Invalid value')
        if ((status === 500 && !noRevision) || status === 0)
          problems.push(`${r.method} ${r.path}${r.query} ${r.type} ${String(r.body)}: ${text}`)
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    console.log(
      `${random.length} random requests: ${[...codes]
        .sort((a, b) => a[0] - b[0])
        .map(([code, n]) => `${n} × ${code}`)
        .join(', ')}`,
    )
    expect(problems).toEqual([])
    expect([...codes.values()].reduce((a, b) => a + b)).toBe(random.length)
  })
})
