import type { AnyObject } from '../../models/object.ts'
import type { Flip } from './flip.ts'

type Change = (object: AnyObject) => void

const stranger = '00000000-0000-4000-8000-000000000000'
const hashLabels = [
  'pod-template-hash',
  'controller-revision-hash',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
]

/** The fields that decide who belongs to whom, each damaged in the ways that are worst. Those that an object does not have are left out. */
export function namedFlips(object: AnyObject): [name: string, change: (object: AnyObject) => Flip][] {
  const { metadata, spec } = object as AnyObject & { spec?: any }
  const changes: [string, Change][] = []
  if (metadata.ownerReferences?.length)
    changes.push(
      ['no owner any more', o => delete o.metadata.ownerReferences],
      ['an owner that does not exist', o => (o.metadata.ownerReferences![0]!.uid = stranger)],
      [
        'two that both control it',
        o => o.metadata.ownerReferences!.push({ ...o.metadata.ownerReferences![0]!, uid: stranger }),
      ],
    )
  if (metadata.labels) changes.push(['no labels', o => delete o.metadata.labels])
  changes.push(['the labels of the others', o => (o.metadata.labels = { ...o.metadata.labels, app: 'calm' })])
  const hash = hashLabels.find(label => metadata.labels?.[label])
  if (hash) changes.push(['another template hash', o => (o.metadata.labels![hash] = 'zzzzzzzzzz')])
  if (metadata.finalizers?.length) changes.push(['no finalizers', o => delete o.metadata.finalizers])
  changes.push([
    'a finalizer that nobody takes off',
    o => (o.metadata.finalizers = [...(o.metadata.finalizers ?? []), 'x/y']),
  ])
  if (spec?.selector && typeof spec.selector === 'object') {
    changes.push(
      ['a selector of nothing', o => delete (o as any).spec.selector],
      ['a selector of everything', o => ((o as any).spec.selector = {})],
      ['the selector of the others', o => ((o as any).spec.selector = selecting(spec.selector, { app: 'calm' }))],
    )
    const labels = spec.template?.metadata?.labels
    if (labels)
      changes.push(['a template that it does not select', o => ((o as any).spec.template.metadata.labels = {})])
  }
  return changes.map(([name, change]) => [
    name,
    damaged => {
      change(damaged)
      return { path: name, before: undefined, after: undefined }
    },
  ])
}

/** In the form that the kind has: a map, or one in `matchLabels`. */
const selecting = (before: object, labels: Record<string, string>) =>
  'matchLabels' in before ? { matchLabels: labels } : labels
