import type { ApiConnection } from '../../support/api.ts'
import { plainPod } from '../../support/pod-text.ts'
import { ok, podPath } from '../api/load.ts'
import { namespace, type Work } from './side.ts'

const perRound = 3_000
/** Those that are there once the creates are done. */
const pod = (i: number) => podPath(namespace, `p${(i * 7919) % perRound}`)

const list =
  (query: string, accept?: string) =>
  async (_: unknown, __: number, api: ApiConnection): Promise<void> => {
    const { status } = await api.request('GET', `${podPath(namespace)}${query}`, undefined, accept)
    if (status !== 200) throw new Error(`the list answered ${status}`)
  }

export const works: readonly Work[] = [
  {
    ...{ what: 'creates of pods, 64 in flight', inFlight: 64, count: perRound },
    one: (wire, i) => ok(wire, 'POST', podPath(namespace), plainPod(`p${i}`)),
  },
  {
    ...{ what: 'creates of pods, one at a time', inFlight: 1, count: 300 },
    one: (wire, i) => ok(wire, 'POST', podPath(namespace), plainPod(`alone-${i}`)),
  },
  {
    ...{ what: 'updates (merge patch), 64 in flight', inFlight: 64, count: 2_000 },
    one: (wire, i) =>
      ok(wire, 'PATCH', pod(i), `{"metadata":{"labels":{"tier":"t${i % 100}"},"annotations":{"count":"${i}"}}}`),
  },
  {
    ...{ what: 'gets, 64 in flight', inFlight: 64, count: 5_000 },
    one: (wire, i) => ok(wire, 'GET', pod(i)),
  },
  {
    ...{ what: 'lists of 9,900 pods', inFlight: 1, count: 5 },
    one: list(''),
  },
  {
    ...{ what: 'lists of 9,900 pods, protobuf', inFlight: 1, count: 5 },
    one: list('', 'application/vnd.kubernetes.protobuf'),
  },
  {
    ...{ what: 'lists of 9,900 pods as a table', inFlight: 1, count: 5 },
    one: list('', 'application/json;as=Table;v=v1;g=meta.k8s.io'),
  },
  {
    ...{ what: 'lists of 30 of them by a label', inFlight: 1, count: 10 },
    one: list('?labelSelector=tier%3Dt7'),
  },
]
