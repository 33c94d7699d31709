import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { labelsCell, text } from '../columns.ts'
import { defaultPodTemplate } from './pod-spec.ts'
import { validatePodTemplate } from './pod-spec-validation.ts'
import { templateWarnings } from './pod-warnings.ts'

export type PodTemplate = core.PodTemplate

export const PodTemplate = defineKind<core.PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  scope: 'Namespaced',
  schema: 'core/v1.PodTemplate',
  deletionAnswersObject: true,
  unconditionalUpdate: true,
  columns: [
    text('Containers', t => (t.template?.spec?.containers ?? []).map(c => c.name).join(',')),
    text('Images', t => (t.template?.spec?.containers ?? []).map(c => c.image ?? '').join(',')),
    text('Pod Labels', t => labelsCell(t.template?.metadata?.labels)),
  ],
  ownAge: true,
  defaults: object => defaultPodTemplate(object.template),
  validate: object => validatePodTemplate('template', object.template),
  warnings: (next, previous) => templateWarnings('template', next.template, previous?.template),
})
