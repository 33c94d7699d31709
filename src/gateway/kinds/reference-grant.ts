import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import { group, kindName, list, namespaceName, object, objectName, root } from './schema.ts'

/** Lets objects of other namespaces refer to some of this one. */
export interface ReferenceGrant extends KubeObject {
  spec: {
    from: { group: string; kind: string; namespace: string }[]
    to: { group: string; kind: string; name?: string }[]
  }
}

export const ReferenceGrant = defineKind<ReferenceGrant>({
  group: gatewayGroup,
  version: 'v1beta1',
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  shortNames: ['refgrant'],
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

export const referenceGrantDefinition: GatewayDefinition = {
  kind: ReferenceGrant,
  plain: true,
  schema: root(
    object(
      {
        from: list(object({ group, kind: kindName, namespace: namespaceName }, ['group', 'kind', 'namespace']), 16, {
          minItems: 1,
        }),
        to: list(object({ group, kind: kindName, name: objectName }, ['group', 'kind']), 16, { minItems: 1 }),
      },
      ['from', 'to'],
    ),
  ),
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
}
