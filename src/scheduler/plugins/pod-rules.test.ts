import { describe, expect, test } from 'vitest'
import type { PodAffinityTerm, TopologySpreadConstraint } from '../../models/types/core-v1.ts'
import { makeNode, makePod, makeScene, type PodSketch } from '../testing/index.ts'

const zones = { a: 'x', b: 'x', c: 'y' }
const nodes = () => Object.entries(zones).map(([name, zone]) => makeNode(name, { labels: { zone } }))
const web = { app: 'web' }

const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: 'zone',
  labelSelector: { matchLabels: web },
  ...more,
})
const near = (...terms: PodAffinityTerm[]): PodSketch => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const apart = (...terms: PodAffinityTerm[]): PodSketch => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})

describe('InterPodAffinity', () => {
  const far = "node(s) didn't match pod affinity rules"
  const close = "node(s) didn't match pod anti-affinity rules"
  const unwanted = "node(s) didn't satisfy existing pods anti-affinity rules"
  const all = (verdict: string) => [verdict, verdict, verdict]

  test.each<[string, PodSketch, PodSketch[], string[]]>([
    ['near: in the domain of a match', near(term()), [{ on: 'a', labels: web }], ['ok', 'ok', far]],
    ['near: nowhere without a match', near(term()), [], all(far)],
    ['near: the first of a group goes anywhere', { ...near(term()), labels: web }, [], all('ok')],
    ['near: the first one only if it is its own match', { ...near(term()), labels: { app: 'db' } }, [], all(far)],
    [
      'near: a match in another namespace is none',
      near(term()),
      [{ on: 'a', labels: web, namespace: 'other' }],
      all(far),
    ],
    [
      'near: in named namespaces',
      near(term({ namespaces: ['other'] })),
      [{ on: 'a', labels: web, namespace: 'other' }],
      ['ok', 'ok', far],
    ],
    [
      'near: in selected namespaces',
      near(term({ namespaceSelector: { matchLabels: { team: 't' } } })),
      [{ on: 'a', labels: web, namespace: 'other' }],
      ['ok', 'ok', far],
    ],
    [
      'near: an empty namespaceSelector is all of them',
      near(term({ namespaceSelector: {} })),
      [{ on: 'c', labels: web, namespace: 'plain' }],
      [far, far, 'ok'],
    ],
    ['near: a missing label is no domain', near(term({ topologyKey: 'rack' })), [{ on: 'a', labels: web }], all(far)],
    [
      'near: all terms by the same pod',
      near(term(), term({ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { tier: 'f' } } })),
      [
        { on: 'a', labels: web },
        { on: 'b', labels: { tier: 'f' } },
      ],
      all(far),
    ],
    ['apart: not in the domain of a match', apart(term()), [{ on: 'a', labels: web }], [close, close, 'ok']],
    [
      'apart: by host',
      apart(term({ topologyKey: 'kubernetes.io/hostname' })),
      [{ on: 'a', labels: web }],
      [close, 'ok', 'ok'],
    ],
    [
      "apart: a missing label is nobody's domain",
      apart(term({ topologyKey: 'rack' })),
      [{ on: 'a', labels: web }],
      all('ok'),
    ],
    [
      'apart: matchLabelKeys narrows to own values',
      { ...apart(term({ matchLabelKeys: ['v'] })), labels: { ...web, v: '2' } },
      [{ on: 'a', labels: { ...web, v: '1' } }],
      all('ok'),
    ],
    [
      'apart: mismatchLabelKeys to those of others',
      { ...apart(term({ mismatchLabelKeys: ['v'] })), labels: { ...web, v: '2' } },
      [{ on: 'a', labels: { ...web, v: '1' } }],
      [close, close, 'ok'],
    ],
    [
      'near: another operator, and all of its conditions',
      near(
        term({
          labelSelector: {
            matchExpressions: [
              { key: 'app', operator: 'NotIn', values: ['db'] },
              { key: 'app', operator: 'Exists' },
              { key: 'old', operator: 'DoesNotExist' },
            ],
          },
        }),
      ),
      [
        { on: 'a', labels: web },
        { on: 'c', labels: { ...web, old: '' } },
      ],
      ['ok', 'ok', far],
    ],
    [
      'near: not in namespaces that the selector leaves out',
      near(term({ namespaceSelector: { matchLabels: { team: 't' } } })),
      [{ on: 'a', labels: web, namespace: 'plain' }],
      all(far),
    ],
    [
      'near: the first of a group goes only where the labels are',
      { ...near(term({ topologyKey: 'rack' })), labels: web },
      [],
      all(far),
    ],
    [
      'near: all terms must mean the same pod, though each means one here',
      near(term(), term({ labelSelector: { matchLabels: { tier: 'f' } } })),
      [
        { on: 'a', labels: web },
        { on: 'a', labels: { tier: 'f' } },
      ],
      all(far),
    ],
    [
      'near and apart: both hold',
      {
        affinity: {
          ...near(term()).affinity,
          ...apart(term({ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: web } })).affinity,
        },
      },
      [{ on: 'a', labels: web }],
      [close, 'ok', far],
    ],
    [
      'apart: any of the terms',
      apart(term({ labelSelector: { matchLabels: { tier: 'f' } } }), term()),
      [{ on: 'a', labels: web }],
      [close, close, 'ok'],
    ],
    [
      'apart: in selected namespaces',
      apart(term({ namespaceSelector: { matchLabels: { team: 't' } } })),
      [
        { on: 'a', labels: web, namespace: 'other' },
        { on: 'c', labels: web, namespace: 'plain' },
      ],
      [close, close, 'ok'],
    ],
    [
      'apart: an empty namespaceSelector is all of them',
      apart(term({ namespaceSelector: {} })),
      [{ on: 'c', labels: web, namespace: 'plain' }],
      ['ok', 'ok', close],
    ],
    [
      'those placed keep it away by each of their terms',
      { labels: web },
      [
        { on: 'a', ...apart(term({ topologyKey: 'rack' }), term({ topologyKey: 'kubernetes.io/hostname' })) },
        { on: 'c', ...apart(term({ labelSelector: { matchLabels: { tier: 'f' } } }), term()) },
      ],
      [unwanted, 'ok', unwanted],
    ],
    [
      'what it wants itself is said before what those placed want',
      { ...apart(term()), labels: web },
      [{ on: 'a', labels: web, ...apart(term()) }],
      [close, close, 'ok'],
    ],
    ['those placed keep it away too', { labels: web }, [{ on: 'c', ...apart(term()) }], ['ok', 'ok', unwanted]],
    [
      'those placed keep away only whom they mean',
      { labels: { app: 'db' } },
      [{ on: 'c', ...apart(term()) }],
      all('ok'),
    ],
    [
      'a terminating pod still counts',
      apart(term()),
      [{ on: 'a', labels: web, terminating: true }],
      [close, close, 'ok'],
    ],
  ])('%s', (_, pod, placed, verdicts) => {
    const scene = makeScene({
      nodes: nodes(),
      pods: placed.map((p, i) => makePod(`placed${i}`, p)),
      namespaces: { default: {}, other: { team: 't' }, plain: {} },
    })
    expect(Object.values(scene.verdicts(makePod('p', pod)))).toEqual(verdicts)
  })

  test('prefers to be near, and away, by weight, both its own wish and that of those placed', () => {
    const prefer = (kind: 'podAffinity' | 'podAntiAffinity', weight: number): PodSketch => ({
      affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term() }] } },
    })
    const scores = (pod: PodSketch, ...placed: PodSketch[]) =>
      makeScene({ nodes: nodes(), pods: placed.map((p, i) => makePod(`placed${i}`, p)) }).scores(
        makePod('p', pod),
        'InterPodAffinity',
      )
    expect(scores(prefer('podAffinity', 10), { on: 'a', labels: web })).toEqual({ a: 100, b: 100, c: 0 })
    expect(scores(prefer('podAntiAffinity', 10), { on: 'a', labels: web })).toEqual({ a: 0, b: 0, c: 100 })
    expect(scores({ labels: web }, { on: 'c', ...prefer('podAffinity', 5) })).toEqual({ a: 0, b: 0, c: 100 })
    expect(scores({ labels: web }, { on: 'c', ...prefer('podAntiAffinity', 5) })).toEqual({ a: 100, b: 100, c: 0 })
    expect(scores({ labels: web }, { on: 'c', ...near(term()) })).toEqual({ a: 0, b: 0, c: 100 })
    expect(scores({}, { on: 'a' })).toEqual({})
  })
})

describe('PodTopologySpread', () => {
  const skew = "node(s) didn't match pod topology spread constraints"
  const missing = `${skew} (missing required label)`
  const spread = (...constraints: Partial<TopologySpreadConstraint>[]): PodSketch => ({
    labels: web,
    topologySpreadConstraints: constraints.map(c => ({
      topologyKey: 'zone',
      maxSkew: 1,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: web },
      ...c,
    })),
  })
  const on = (...names: string[]): PodSketch[] => names.map(name => ({ on: name, labels: web }))

  test.each<[string, PodSketch, PodSketch[], string[]]>([
    ['anywhere at first', spread({}), [], ['ok', 'ok', 'ok']],
    ['then where there are fewer', spread({}), on('a'), [skew, skew, 'ok']],
    ['even again', spread({}), on('a', 'c'), ['ok', 'ok', 'ok']],
    ['up to maxSkew', spread({ maxSkew: 2 }), on('a'), ['ok', 'ok', 'ok']],
    ['who is not counted adds nothing', { ...spread({}), labels: { app: 'db' } }, on('a'), ['ok', 'ok', 'ok']],
    ['terminating pods do not count', spread({}), [{ on: 'a', labels: web, terminating: true }], ['ok', 'ok', 'ok']],
    [
      'pods of other namespaces do not count',
      spread({}),
      [{ on: 'a', labels: web, namespace: 'other' }],
      ['ok', 'ok', 'ok'],
    ],
    [
      'no selector counts nobody, itself neither',
      spread({ labelSelector: undefined as any }),
      on('a', 'a'),
      ['ok', 'ok', 'ok'],
    ],
    ['a selector of everything counts nobody either', spread({ labelSelector: {} }), on('a', 'a'), ['ok', 'ok', 'ok']],
    [
      'but matchLabelKeys beside it does',
      { ...spread({ labelSelector: {}, matchLabelKeys: ['app'] }), labels: web },
      on('a'),
      [skew, skew, 'ok'],
    ],
    ['minDomains: enough of them', spread({ minDomains: 2 }), on('a', 'c'), ['ok', 'ok', 'ok']],
    [
      'minDomains: while they are too few, up to maxSkew',
      spread({ minDomains: 3, maxSkew: 2 }),
      on('a', 'a', 'c'),
      [skew, skew, 'ok'],
    ],
    [
      'two constraints of two selectors',
      {
        ...spread({}, { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { tier: 'f' } } }),
        labels: { ...web, tier: 'f' },
      },
      [
        { on: 'a', labels: web },
        { on: 'c', labels: { tier: 'f' } },
      ],
      [skew, skew, skew],
    ],
    [
      'the pod is counted only by the constraints that mean it',
      spread({}, { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { tier: 'f' } } }),
      [
        { on: 'a', labels: web },
        { on: 'c', labels: web },
        { on: 'a', labels: { tier: 'f' } },
      ],
      ['ok', 'ok', 'ok'],
    ],
    ['minDomains: too few domains count as an empty one', spread({ minDomains: 3 }), on('a', 'c'), [skew, skew, skew]],
    ['nodes without the label are refused', spread({ topologyKey: 'rack' }), [], [missing, missing, missing]],
    [
      'domains that the node selector leaves out do not count',
      { ...spread({}), nodeSelector: { zone: 'x' } },
      on('a'),
      ['ok', 'ok', "node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      'unless the policy says so',
      { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'x' } },
      on('a'),
      [skew, skew, "node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      'two constraints both hold',
      spread({}, { topologyKey: 'kubernetes.io/hostname' }),
      on('a', 'c', 'c'),
      [skew, 'ok', skew],
    ],
    [
      'matchLabelKeys counts own values only',
      { ...spread({ matchLabelKeys: ['v'] }), labels: { ...web, v: '2' } },
      [{ on: 'a', labels: { ...web, v: '1' } }],
      ['ok', 'ok', 'ok'],
    ],
  ])('%s', (_, pod, placed, verdicts) => {
    const scene = makeScene({ nodes: nodes(), pods: placed.map((p, i) => makePod(`placed${i}`, p)) })
    expect(Object.values(scene.verdicts(makePod('p', pod)))).toEqual(verdicts)
  })

  test('nodeTaintsPolicy Honor leaves tainted domains out of the count', () => {
    const tainted = makeNode('t', { labels: { zone: 'z' }, taints: [{ key: 'k', effect: 'NoSchedule' }] })
    const verdicts = (policy: 'Honor' | 'Ignore') =>
      makeScene({ nodes: [...nodes(), tainted], pods: on('a', 'c').map((p, i) => makePod(`placed${i}`, p)) }).verdicts(
        makePod('p', spread({ nodeTaintsPolicy: policy })),
      )
    expect(verdicts('Honor')).toMatchObject({ a: 'ok', c: 'ok' })
    expect(verdicts('Ignore')).toMatchObject({ a: skew, c: skew })
  })

  test('ScheduleAnyway prefers emptier domains, and nodes without the label least', () => {
    const scene = makeScene({
      nodes: [...nodes(), makeNode('d')],
      pods: on('a', 'b', 'c').map((p, i) => makePod(`placed${i}`, p)),
    })
    const pod = makePod('p', spread({ whenUnsatisfiable: 'ScheduleAnyway' }))
    // ln(2 zones + 2) ≈ 1.386: x 2.77 → 3, y 1.39 → 1; 100·(3 + 1 − s)/3.
    expect(scene.scores(pod, 'PodTopologySpread')).toEqual({ a: 33, b: 33, c: 100, d: 0 })
    expect(scene.decide(pod)).toBe('c')
  })
})
