import type { Wire } from '../../support/api.ts'
import { largePod, type PodText, plainPod } from '../../support/pod-text.ts'
import { ok, podPath, spread } from './load.ts'

/** Pods that are created, changed and listed alike, in a namespace of their own. */
export interface PodRows {
  /** Of the namespace, and of the rows where they are not those that are judged. */
  name: string
  text: PodText
  /** The goals are about pods of this size. */
  judged: boolean
}

/** The goals reckon with pods of 2 KB, 20 MB for 10,000; the large ones show what size costs. */
export const podRows: readonly PodRows[] = [
  { name: 'plain', text: plainPod, judged: true },
  { name: 'large', text: largePod, judged: false },
]

/** What a row is called. */
export const titled = ({ name, judged }: PodRows, what: string): string => (judged ? what : `${what}, ${name} pods`)

export const podName = (i: number): string => `p${i}`

export const create = (wires: Wire[], namespace: string, text: PodText, count: number) =>
  spread(wires, count, (wire, i) => ok(wire, 'POST', podPath(namespace), text(podName(i))))
